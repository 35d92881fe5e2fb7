import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { float32ToHalf } from '../base/halfFloat.ts';
import type { OpenedBackend } from '../device/openDevice.ts';
import { openTestBackend } from '../testing/backend.ts';
import { readLmReference } from '../testing/lmReference.ts';
import { cloneLm, readParameter } from './cloneLm.ts';
import { loadLm } from './loadLm.ts';
import { createLm, readParams } from './params.ts';
import * as tf from '@tensorflow/tfjs-core';
import type { WeightSource } from './weightSource.ts';

let backend: OpenedBackend;
beforeAll(async () => {
  backend = await openTestBackend('wasm');
});
afterAll(() => backend.close());

const reference = readLmReference('llama-gqa-untied');

/** The reference's weights as a file would hold them; how many bytes were asked for at once is noted. */
function stored(dtype: WeightSource['dtype'], asked: number[] = []): Map<string, WeightSource> {
  return new Map(
    [...reference.weights].map(([name, { shape, data }]) => {
      const values = dtype === 'F32' ? data : dtype === 'F16' ? float32ToHalf(data) : Uint16Array.from(new Uint32Array(data.buffer, data.byteOffset, data.length), (bits) => bits >>> 16);
      const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
      const read = async (begin: number, end: number): Promise<Uint8Array> => {
        asked.push(end - begin);
        return bytes.slice(begin, end);
      };
      return [name, { dtype, shape, read }];
    }),
  );
}

describe('loading an LM', () => {
  it('puts every value where createLm puts it', async () => {
    const before = tf.memory().numTensors;
    const [loaded, created] = [await loadLm(reference.config, stored('F32'), { trainable: true }), createLm(reference.config, reference.weights)];
    expect(await loaded.trainable!.slab.data()).toEqual(await created.trainable!.slab.data());
    expect(await readParams(loaded)).toEqual(await readParams(created));
    loaded.dispose();
    created.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it.each(['F32', 'F16', 'BF16'] as const)('keeps a frozen LM as it is stored: %s', async (dtype) => {
    const before = tf.memory();
    const counted: number[] = [];
    const lm = await loadLm(reference.config, stored(dtype), { trainable: false, onBytes: (bytes) => counted.push(bytes) });
    expect(lm.trainable).toBeNull();
    expect(lm.storage).toBe({ F32: 'f32', F16: 'f16', BF16: 'bf16' }[dtype]);
    const whole = await loadLm(reference.config, stored(dtype), { trainable: true });
    for (const [name, slice] of lm.parameters) expect(await readParameter(slice), name).toEqual(await readParameter(whole.parameters.get(name)!));
    const clone = await cloneLm(lm);
    expect(await readParams(clone)).toEqual(await readParams(whole));
    const width = dtype === 'F32' ? 4 : 2;
    const values = [...reference.weights.values()].reduce((sum, { data }) => sum + data.length, 0);
    expect(counted.at(-1)).toBe(width * values);
    expect(counted).toEqual([...counted].sort((a, b) => a - b));
    for (const each of [lm, whole, clone]) each.dispose();
    expect(tf.memory().numTensors).toBe(before.numTensors);
    expect(tf.memory().numBytes).toBe(before.numBytes);
  });

  it('leaves nothing behind when a read fails or the job is cancelled', async () => {
    const before = tf.memory().numTensors;
    const sources = stored('F32');
    const last = [...sources.keys()].at(-1)!;
    sources.set(last, { ...sources.get(last)!, read: () => Promise.reject(new Error('gone')) });
    for (const trainable of [true, false]) await expect(loadLm(reference.config, sources, { trainable })).rejects.toThrow('gone');
    const stop = new AbortController();
    await expect(loadLm(reference.config, stored('F32'), { trainable: false, signal: stop.signal, onBytes: () => stop.abort(new Error('stopped')) })).rejects.toThrow('stopped');
    expect(tf.memory().numTensors).toBe(before);
  });

  it('refuses missing and misshapen parameters before it reads', async () => {
    const asked: number[] = [];
    const sources = stored('F32', asked);
    const name = [...sources.keys()][1]!;
    await expect(loadLm(reference.config, new Map([...sources].filter(([other]) => other !== name)), { trainable: false })).rejects.toThrow(/missing/);
    await expect(loadLm(reference.config, new Map([...sources, [name, { ...sources.get(name)!, shape: [1, 1] }]]), { trainable: false })).rejects.toThrow(/expected/);
    expect(asked).toEqual([]);
  });
});
