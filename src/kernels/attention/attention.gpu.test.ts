import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, it } from 'vitest';
import type { OpenedBackend } from '../../device/openDevice.ts';
import { assertAllClose } from '../../testing/allclose.ts';
import { randomFloats } from '../../testing/arrays.ts';
import { openTestBackend, testBackends } from '../../testing/backend.ts';
import { download } from '../../testing/gpuCase.ts';
import { transcendental } from '../../testing/tolerances.ts';
import { attentionBackward, attentionForward, type AttentionSizes } from './attention.cpu.ts';
import { causalAttention } from './attention.ts';

const cases: [string, AttentionSizes, number[]][] = [
  ['one of everything', { B: 1, T: 1, S: 1, H: 1, G: 1, K: 1, pastLength: 0 }, [0]],
  ['odd head size', { B: 2, T: 5, S: 5, H: 3, G: 3, K: 7, pastLength: 0 }, [0, 2]],
  ['padded on the left, some rows empty', { B: 3, T: 9, S: 9, H: 2, G: 2, K: 8, pastLength: 0 }, [0, 4, 9]],
  ['shared key groups', { B: 1, T: 33, S: 33, H: 4, G: 2, K: 32, pastLength: 0 }, [1]],
  ['decoding from a cache with spare slots', { B: 2, T: 1, S: 65, H: 2, G: 1, K: 32, pastLength: 40 }, [0, 17]],
];

describe.each(await testBackends())('causal attention on %s', (backendName) => {
  let opened: OpenedBackend;
  beforeAll(async () => {
    opened = await openTestBackend(backendName);
  });
  afterAll(() => opened.close());

  it.each(cases)('equals the twin: %s', async (_name, sizes, starts) => {
    const { B, T, S, H, G, K, pastLength } = sizes;
    const shapes = { q: [B, T, H, K], k: [B, S, G, K], v: [B, S, G, K] };
    const [q, k, v, weights] = [randomFloats(B * T * H * K, 1, 2), randomFloats(B * S * G * K, 2, 2), randomFloats(B * S * G * K, 3), randomFloats(B * T * H * K, 4)];
    const start = tf.tensor1d(starts, 'int32');
    const inputs = (): tf.Tensor[] => [tf.tensor(q, shapes.q), tf.tensor(k, shapes.k), tf.tensor(v, shapes.v)];
    const call = (x: tf.Tensor, y: tf.Tensor, z: tf.Tensor): tf.Tensor => causalAttention(x, y, z, { pastLength, start });
    const grads = tf.grads((x, y, z) => tf.sum(tf.mul(call(x!, y!, z!), tf.tensor(weights, shapes.q))))(inputs());
    const [out, ...gradients] = await download(opened, [call(...(inputs() as [tf.Tensor, tf.Tensor, tf.Tensor])), ...grads]);
    const [q64, k64, v64] = [Float64Array.from(q), Float64Array.from(k), Float64Array.from(v)];
    const expected = new Float64Array(q.length);
    const logSumExp = new Float64Array(B * H * T);
    attentionForward(q64, k64, v64, Int32Array.from(starts), expected, logSumExp, sizes);
    assertAllClose(out!, expected, transcendental, 'out');
    const wanted = [new Float64Array(q.length), new Float64Array(k.length), new Float64Array(v.length)] as const;
    attentionBackward(q64, k64, v64, Int32Array.from(starts), expected, logSumExp, Float64Array.from(weights), ...wanted, sizes);
    ['q', 'k', 'v'].forEach((name, i) => assertAllClose(gradients[i]!, wanted[i]!, { ...transcendental, atol: 5e-5 }, `gradient of ${name}`));
  });
});
