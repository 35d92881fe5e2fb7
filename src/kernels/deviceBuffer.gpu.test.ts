import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestBackend, testBackends } from '../testing/backend.ts';
import { bitsOf, packedSlice, packedStorages } from '../testing/packed.ts';
import { allocateTensor, readValues, writeTensorBytes } from './deviceBuffer.ts';

const bytesOf = (values: Float32Array | Int32Array): Uint8Array => new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
const counting = (count: number, from = 0): Float32Array => Float32Array.from({ length: count }, (_, i) => from + i);

describe.each([...(await testBackends()), 'cpu', 'wasm with threads'] as const)('device buffers on %s', (name) => {
  let assertHealthy = async (): Promise<void> => {};
  let close = async (): Promise<void> => {};
  beforeAll(async () => {
    if (name === 'cpu') return void (await tf.setBackend('cpu'));
    const opened = await openTestBackend(name === 'webgpu' ? 'webgpu' : 'wasm', name === 'wasm with threads' ? 2 : 1);
    assertHealthy = () => opened.assertHealthy();
    close = async () => opened.close();
  });
  afterAll(() => close());

  it('are filled piece by piece at any word, out of order, from bytes at odd places', async () => {
    const values = counting(1003);
    const tensor = allocateTensor([17, 59], 'float32');
    const odd = new Uint8Array(4 * 1003 + 1);
    odd.set(bytesOf(values), 1);
    for (const [begin, end] of [[640, 1003], [0, 1], [1, 77], [77, 640]] as const) writeTensorBytes(tensor, 4 * begin, odd.subarray(1 + 4 * begin, 1 + 4 * end));
    odd.fill(255);
    expect(await tensor.data()).toEqual(values);
    expect(await readValues(tensor)).toEqual(values);
    expect(await readValues({ slab: tensor, offset: 128, shape: [3, 2] })).toEqual(values.slice(128, 134));
    expect(await readValues({ slab: tensor, offset: 64, shape: [0, 5] })).toEqual(new Float32Array());
    tensor.dispose();
    await assertHealthy();
  });

  it('are written after the work that was recorded before and before the work that comes later', async () => {
    const x = tf.tidy(() => tf.add(tf.tensor1d([1, 2, 3]), 0));
    const before = tf.mul(x, 10);
    writeTensorBytes(x, 4, bytesOf(Float32Array.of(7)));
    const after = tf.mul(x, 10);
    expect([...(await before.data()), ...(await after.data())]).toEqual([10, 20, 30, 10, 70, 30]);
    tf.dispose([x, before, after]);
  });

  it('take the place of disposed tensors that recorded work still reads', async () => {
    const results: tf.Tensor[] = [];
    for (let i = 0; i < 5; i++) {
      const fresh = allocateTensor([300], 'float32');
      writeTensorBytes(fresh, 0, bytesOf(new Float32Array(300).fill(i)));
      results.push(tf.add(fresh, 1));
      fresh.dispose();
    }
    for (const [i, result] of results.entries()) expect((await result.data()).every((value) => value === i + 1)).toBe(true);
    tf.dispose(results);
  });

  it('hold bits as they are: packed values, an odd number of them, decode exactly', async () => {
    for (const storage of packedStorages) {
      const { slice, decoded } = packedSlice(Float32Array.of(1, -0, 6e-8, -65504, Infinity, 3.14159, 1e-40), [7], storage);
      expect(bitsOf(await readValues(slice))).toEqual(bitsOf(decoded));
      expect(slice.slab.dtype).toBe('int32');
      slice.slab.dispose();
    }
  });

  it('refuse bytes that do not fit, half words and integers read as values', async () => {
    const tensor = allocateTensor([4], 'int32');
    expect(() => writeTensorBytes(tensor, 8, new Uint8Array(12))).toThrow('12 bytes at 8 do not fit');
    expect(() => writeTensorBytes(tensor, 2, new Uint8Array(4))).toThrow('whole words');
    expect(() => writeTensorBytes(tensor, 0, new Uint8Array(3))).toThrow('whole words');
    await expect(readValues(tensor)).rejects.toThrow('int32, not float32');
    await expect(readValues({ slab: tensor, offset: 0, shape: [9], storage: 'f16' })).rejects.toThrow('does not fit its slab of 8 values');
    tensor.dispose();
  });

  it('belong to the tidy they are made in', () => {
    const before = tf.memory().numTensors;
    tf.tidy(() => void allocateTensor([8], 'int32'));
    expect(tf.memory().numTensors).toBe(before);
  });
});
