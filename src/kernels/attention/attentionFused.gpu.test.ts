import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenedBackend } from '../../device/openDevice.ts';
import { assertAllClose } from '../../testing/allclose.ts';
import { randomFloats } from '../../testing/arrays.ts';
import { openTestBackend, testBackends } from '../../testing/backend.ts';
import { download } from '../../testing/gpuCase.ts';
import { transcendental } from '../../testing/tolerances.ts';
import { type DeviceTraits, deviceTraits, setDeviceTraits } from '../deviceTraits.ts';
import { appendKv } from '../kvCache/appendKv.ts';
import { attentionFused, attentionFusedGrad, type FusedSizes } from './attentionFused.ts';
import { attentionFusedBackward, attentionFusedForward, cachedAttentionForward, rowWidth, writeKeysAndValues } from './attentionFused.cpu.ts';
import { cachedAttention } from './cachedAttention.ts';

const cases: [string, FusedSizes, number[]][] = [
  ['one of everything', { B: 1, T: 1, H: 1, G: 1, K: 1, scale: 1 ** -0.5, window: null }, [0]],
  ['an odd head size', { B: 2, T: 5, H: 3, G: 3, K: 7, scale: 7 ** -0.5, window: null }, [0, 2]],
  ['padding on the left, one row all padding', { B: 3, T: 9, H: 2, G: 2, K: 8, scale: 8 ** -0.5, window: null }, [0, 4, 9]],
  ['shared key groups', { B: 1, T: 33, H: 4, G: 2, K: 32, scale: 32 ** -0.5, window: null }, [1]],
  ['one key group for all heads', { B: 2, T: 22, H: 3, G: 1, K: 64, scale: 64 ** -0.5, window: null }, [0, 13]],
  ['large heads', { B: 1, T: 11, H: 2, G: 1, K: 128, scale: 128 ** -0.5, window: null }, [0]],
  ['larger heads', { B: 1, T: 6, H: 1, G: 1, K: 256, scale: 256 ** -0.5, window: null }, [2]],
  ['large heads, many tiles, padding', { B: 2, T: 150, H: 2, G: 1, K: 128, scale: 0.09, window: null }, [0, 71]],
  ['a scale of its own, an odd head size', { B: 2, T: 13, H: 4, G: 2, K: 6, scale: 0.7, window: null }, [0, 3]],
  ['heads of 10', { B: 1, T: 18, H: 2, G: 1, K: 10, scale: 0.2, window: null }, [0]],
  ['heads of 20', { B: 2, T: 12, H: 2, G: 2, K: 20, scale: 0.2, window: null }, [1, 0]],
  ['heads of 80', { B: 1, T: 13, H: 2, G: 1, K: 80, scale: 0.1, window: null }, [0]],
  ['heads of 96', { B: 1, T: 10, H: 2, G: 2, K: 96, scale: 0.1, window: null }, [0]],
  ['a window of one slot', { B: 2, T: 6, H: 2, G: 1, K: 4, scale: 0.5, window: 1 }, [0, 2]],
  ['a window of three slots, padding', { B: 3, T: 21, H: 2, G: 2, K: 7, scale: 0.5, window: 3 }, [0, 5, 21]],
  ['a window of nine slots, long rows', { B: 2, T: 75, H: 4, G: 2, K: 32, scale: 0.2, window: 9 }, [0, 13]],
  ['a window wider than the gradient\'s blocks', { B: 1, T: 150, H: 2, G: 1, K: 16, scale: 0.25, window: 37 }, [5]],
  ['a window wider than the rows', { B: 2, T: 9, H: 2, G: 2, K: 8, scale: 0.3, window: 512 }, [0, 4]],
  ['the demo LM', { B: 2, T: 70, H: 4, G: 4, K: 32, scale: 32 ** -0.5, window: null }, [0, 5]],
];

const cached: [string, FusedSizes & { S: number; pastLength: number }, number[]][] = [
  ['one new token', { B: 3, T: 1, H: 4, G: 2, K: 32, scale: 32 ** -0.5, window: null, S: 65, pastLength: 40 }, [0, 17, 40]],
  ['a row that has nothing to attend to', { B: 2, T: 1, H: 2, G: 2, K: 6, scale: 6 ** -0.5, window: null, S: 8, pastLength: 3 }, [4, 3]],
  ['a prompt, after others, with spare slots', { B: 2, T: 7, H: 3, G: 1, K: 5, scale: 5 ** -0.5, window: null, S: 20, pastLength: 4 }, [0, 6]],
  ['a window', { B: 3, T: 1, H: 4, G: 2, K: 32, scale: 0.2, window: 7, S: 65, pastLength: 40 }, [0, 17, 37]],
  ['a window over a prompt after others', { B: 2, T: 9, H: 3, G: 1, K: 5, scale: 0.4, window: 4, S: 20, pastLength: 6 }, [0, 8]],
  ['a window, heads of 256', { B: 2, T: 1, H: 4, G: 1, K: 256, scale: 1 / 16, window: 21, S: 66, pastLength: 50 }, [0, 33]],
  ['heads of 256, many slots', { B: 2, T: 2, H: 4, G: 1, K: 256, scale: 1 / 16, window: null, S: 200, pastLength: 190 }, [0, 100]],
  ['heads of 80, many slots', { B: 1, T: 1, H: 4, G: 2, K: 80, scale: 0.1, window: null, S: 300, pastLength: 290 }, [2]],
  ['large heads', { B: 1, T: 1, H: 2, G: 1, K: 128, scale: 128 ** -0.5, window: null, S: 33, pastLength: 32 }, [0]],
];

const doubles = (values: Float32Array): Float64Array => Float64Array.from(values);

describe.each(await testBackends())('attention on fused rows on %s', (backendName) => {
  let opened: OpenedBackend;
  beforeAll(async () => {
    opened = await openTestBackend(backendName);
  });
  afterAll(() => opened.close());

  async function equalsTwin(sizes: FusedSizes, starts: number[]): Promise<void> {
    const { B, T, H, K } = sizes;
    const qkv = randomFloats(B * T * rowWidth(sizes), 1, 1.5);
    const weights = randomFloats(B * T * H * K, 2);
    const inputs = { qkv: tf.tensor(qkv, [B * T, rowWidth(sizes)]), start: tf.tensor1d(starts, 'int32'), gradOut: tf.tensor(weights, [B * T, H * K]) };
    const before = tf.memory().numTensors;
    const saved = attentionFused(inputs.qkv, inputs.start, sizes);
    const gradQkv = attentionFusedGrad({ ...inputs, ...saved }, sizes);
    expect(tf.memory().numTensors).toBe(before + 3);
    const [out, logSumExp, gradient] = await download(opened, [saved.out, saved.logSumExp, gradQkv]);
    tf.dispose(inputs);
    const expected = { out: new Float64Array(out!.length), logSumExp: new Float64Array(logSumExp!.length), gradient: new Float64Array(qkv.length) };
    const start = Int32Array.from(starts);
    attentionFusedForward(doubles(qkv), start, expected.out, expected.logSumExp, sizes);
    attentionFusedBackward(doubles(qkv), start, expected.out, expected.logSumExp, doubles(weights), expected.gradient, sizes);
    assertAllClose(out!, expected.out, transcendental, 'out');
    assertAllClose(logSumExp!, expected.logSumExp, transcendental, 'logSumExp');
    assertAllClose(gradient!, expected.gradient, { ...transcendental, atol: 5e-5 }, 'gradient of qkv');
  }

  it.each(cases)('equals the twin, forward and gradient: %s', (_name, sizes, starts) => equalsTwin(sizes, starts));

  async function equalsTwinOverCache(sizes: (typeof cached)[0][1], starts: number[]): Promise<void> {
    const { B, T, G, K, S, pastLength } = sizes;
    // One row more than the batch: a cache may be larger.
    const cacheSize = (B + 1) * S * G * K;
    const [qkv, keys, values] = [randomFloats(B * T * rowWidth(sizes), 1, 1.5), randomFloats(cacheSize, 2, 1.5), randomFloats(cacheSize, 3)];
    const tensors = {
      qkv: tf.tensor(qkv, [B * T, rowWidth(sizes)]),
      keys: tf.tensor(keys.slice(), [B + 1, S, G, K]),
      values: tf.tensor(values.slice(), [B + 1, S, G, K]),
      start: tf.tensor1d(starts, 'int32'),
    };
    await tensors.keys.data(); // a copy downloaded before must not be what is read after
    appendKv(tensors.qkv, tensors.keys, tensors.values, pastLength, sizes);
    const mixed = cachedAttention(tensors.qkv, tensors.keys, tensors.values, tensors.start, pastLength, sizes);
    const [out, newKeys, newValues] = await download(opened, [mixed, tensors.keys, tensors.values]);
    tf.dispose([tensors.qkv, tensors.start]);
    writeKeysAndValues(qkv, keys, values, pastLength, S, sizes);
    expect(newKeys).toEqual(keys);
    expect(newValues).toEqual(values);
    const expected = new Float64Array(out!.length);
    cachedAttentionForward(doubles(qkv), doubles(keys), doubles(values), Int32Array.from(starts), expected, sizes);
    assertAllClose(out!, expected, transcendental, 'out');
  }

  it.each(cached)('over a cache equals the twin: %s', (_name, sizes, starts) => equalsTwinOverCache(sizes, starts));

  describe.skipIf(backendName !== 'webgpu')('taken for hardware, where a workgroup owns a query or a key', () => {
    let traits: DeviceTraits;
    const deviceOf = (): GPUDevice => (tf.backend() as unknown as { device: GPUDevice }).device;
    beforeAll(() => {
      traits = deviceTraits();
      setDeviceTraits(deviceOf(), { ...traits, adapterClass: 'discrete' });
    });
    afterAll(() => setDeviceTraits(deviceOf(), traits));

    // Not for a software adapter's own form, which compiles for seconds at these sizes.
    const more: typeof cases = [
      ['large heads, a window over two tiles', { B: 1, T: 150, H: 2, G: 2, K: 128, scale: 0.09, window: 70 }, [3]],
      ['heads of 160', { B: 1, T: 70, H: 2, G: 1, K: 160, scale: 0.08, window: null }, [0]],
      ['a window, heads of 256', { B: 1, T: 40, H: 2, G: 1, K: 256, scale: 1 / 16, window: 11 }, [2]],
      ['large heads of an odd size, one row all padding', { B: 2, T: 9, H: 2, G: 1, K: 131, scale: 0.09, window: null }, [9, 1]],
      ['heads of 264', { B: 1, T: 5, H: 1, G: 1, K: 264, scale: 0.06, window: 3 }, [0]],
    ];
    it.each([...cases.filter(([, { K }]) => K >= 128), ...more])('equals the twin, forward and gradient: %s', (_name, sizes, starts) => equalsTwin(sizes, starts));

    const decoding = { B: 2, T: 1, H: 4, G: 2, scale: 0.1, window: null, S: 150, pastLength: 140 };
    const small = [64, 72, 96].map((K) => [`heads of ${K}, one token`, { ...decoding, K }, [0, 33]] as (typeof cached)[0]);
    it.each([...cached.filter(([, { K }]) => K >= 128), ...small])('over a cache equals the twin: %s', (_name, sizes, starts) => equalsTwinOverCache(sizes, starts));
  });

  it('writes to the rows of the cache that it is told', async () => {
    const sizes = { B: 2, T: 3, H: 1, G: 2, K: 4, scale: 4 ** -0.5, window: null };
    const [qkv, keys, values] = [randomFloats(6 * rowWidth(sizes), 1), randomFloats(4 * 5 * 8, 2), randomFloats(4 * 5 * 8, 3)];
    const [keyCache, valueCache] = [tf.tensor(keys.slice(), [4, 5, 2, 4]), tf.tensor(values.slice(), [4, 5, 2, 4])];
    tf.tidy(() => appendKv(tf.tensor(qkv, [6, rowWidth(sizes)]), keyCache, valueCache, 1, sizes, tf.tensor1d([3, 0], 'int32')));
    const [newKeys, newValues] = await download(opened, [keyCache, valueCache]);
    const before = keys.slice();
    writeKeysAndValues(qkv, keys, values, 1, 5, sizes, Int32Array.of(3, 0));
    expect(newKeys).toEqual(keys);
    expect(newValues).toEqual(values);
    expect(keys.subarray(40, 120)).toEqual(before.subarray(40, 120)); // rows 1 and 2 of the cache
    expect(keys.subarray(120 + 8, 120 + 16)).toEqual(qkv.subarray(4, 12)); // row 3 begins with the first row's keys
  });

  it('refuses a window without slots and a scale that is no number', () => {
    const call = (change: Partial<FusedSizes>) => () => tf.tidy(() => attentionFused(tf.zeros([2, 6]), tf.zeros([1], 'int32'), { B: 1, T: 2, H: 1, G: 1, K: 2, scale: 1, window: null, ...change }));
    expect(call({ window: 0 })).toThrow('a window of 0 slots');
    expect(call({ window: 1.5 })).toThrow('a window of 1.5 slots');
    expect(call({ scale: Number.NaN })).toThrow('scale NaN');
  });

  it('over a cache refuses what does not fit, naming the slots', () => {
    const sizes = { B: 1, T: 2, H: 1, G: 1, K: 2, scale: 1, window: null };
    const call = (rows: number, pastLength: number) => () => tf.tidy(() => appendKv(tf.zeros([2, 6]), tf.zeros([rows, 4, 1, 2]), tf.zeros([rows, 4, 1, 2]), pastLength, sizes));
    expect(call(1, 3)).toThrow('2 positions after 3 do not fit into 4 slots');
    expect(call(0, 0)).toThrow('do not fit into a cache of 0');
  });
});
