import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenedBackend } from '../../device/openDevice.ts';
import { assertAllClose } from '../../testing/allclose.ts';
import { randomFloats, randomInts } from '../../testing/arrays.ts';
import { openTestBackend } from '../../testing/backend.ts';
import { transcendental } from '../../testing/tolerances.ts';
import { openSimd } from '../simd/openSimd.ts';
import type { WasmHost } from '../wasmHost.ts';
import { logitGradRows, statsWidth, sweepRows } from './headLoss.cpu.ts';

let opened: OpenedBackend;
beforeAll(async () => {
  opened = await openTestBackend('wasm');
});
afterAll(() => opened.close());

/** Second tile of a sweep and its gradients, in `chunks` shares: tile, mean and stats afterwards, as SIMD computes them or the twin. */
function results(columns: number, anchored: boolean, chunks: number | 'twin'): Float32Array[] {
  const [R, D, from] = [37, 6, 64];
  const arrays = {
    tile: randomFloats(R * columns, 1, 3),
    stats: randomFloats(R * statsWidth, 2).map((v, i) => (i % statsWidth === 1 || i % statsWidth === 4 ? 1 + Math.abs(v) : v)),
    mean: randomFloats(R * D, 3),
    anchor: randomFloats(R * columns, 4, 3),
    fresh: randomFloats(R * columns, 5),
    pull: randomFloats(R * columns, 6),
    gradLogProbs: randomFloats(R, 7),
    gradDistance: randomFloats(R, 8),
  };
  const labels = randomInts(R, columns + 128, 9);
  if (chunks === 'twin') {
    sweepRows(arrays.tile, labels, arrays.stats, arrays.mean, anchored ? arrays.anchor : null, { columns, from, first: false, write: true });
    const stats = arrays.stats.slice();
    for (const tile of [arrays.tile, arrays.fresh])
      logitGradRows(tile, anchored ? arrays.pull : null, stats.map((v) => Math.min(v, 4)), labels, arrays.gradLogProbs, anchored ? arrays.gradDistance : null, { columns, from, kept: tile === arrays.tile });
    return [arrays.tile, arrays.fresh, arrays.mean, stats];
  }
  const backend = tf.backend() as unknown as WasmHost;
  const simd = openSimd(backend);
  const tensors = Object.fromEntries(Object.entries(arrays).map(([name, data]) => [name, tf.tensor1d(data)])) as Record<keyof typeof arrays, tf.Tensor>;
  const labelTensor = tf.tensor1d(labels, 'int32');
  const at = (tensor: tf.Tensor): number => backend.getMemoryOffset(tensor.dataId);
  const of = (name: keyof typeof arrays): number => at(tensors[name]);
  simd.run('headLossSweep', chunks, R, columns, from, 0, 1, D, of('tile'), at(labelTensor), of('stats'), of('mean'), anchored ? of('anchor') : 0);
  const stats = tensors.stats.dataSync().slice() as Float32Array;
  const limited = tf.minimum(tensors.stats, 4);
  for (const tile of ['tile', 'fresh'] as const)
    simd.run('headLossLogitGrad', chunks, R, columns, from, Number(tile === 'tile'), of(tile), anchored ? of('pull') : 0, at(limited), at(labelTensor), of('gradLogProbs'), anchored ? of('gradDistance') : 0);
  const found = (['tile', 'fresh', 'mean'] as const).map((name) => tensors[name].dataSync().slice() as Float32Array);
  tf.dispose([labelTensor, limited, ...Object.values(tensors)]);
  return [...found, stats];
}

describe('the SIMD row kernels of the head loss', () => {
  it.each([[1, false], [3, true], [64, false], [67, true], [260, true]] as const)('equal the twin on %i columns, anchored %s, and every number of chunks gives the same bits', (columns, anchored) => {
    const alone = results(columns, anchored, 1);
    results(columns, anchored, 'twin').forEach((expected, i) => assertAllClose(alone[i]!, expected, transcendental, ['kept', 'fresh', 'mean', 'stats'][i]!));
    for (const chunks of [2, 5, 64]) expect(results(columns, anchored, chunks)).toEqual(alone);
  });
});
