/** The row kernels of the head loss as tfjs kernels, and their calls. What they compute stands in the twins (headLoss.cpu.ts). */
import type * as tf from '@tensorflow/tfjs-core';
import { type KernelSpec, runKernel } from '../kernelSpec.ts';
import type { Operand } from '../slice.ts';
import {
  anchorPull,
  assertLabels,
  type EmdObjective,
  finishRows,
  logitGradRows,
  type LogitGradOptions,
  scaleColumnsRows,
  statsWidth,
  sweepRows,
  type SweepOptions,
  takeScaledRows,
} from './headLoss.cpu.ts';
import { anchorPullWgsl, finishWgsl, logitGradWgsl, scaleColumnsWgsl, sweepWgsl, takeScaledRowsWgsl } from './headLoss.webgpu.ts';

/** Left out where there is no cost or no anchor. */
type Optional<Input extends string, Value> = Partial<Record<Input, Value>>;

const sweepSpec: KernelSpec<'tile' | 'labels' | 'stats' | 'mean' | 'anchor'> = {
  name: 'SidestepHeadLossSweep',
  inPlace: ['tile', 'stats', 'mean'],
  outputs: () => [],
  host: ({ tile, labels, stats, ...others }, attributes) => {
    const { mean, anchor } = others as Optional<'mean' | 'anchor', typeof tile>;
    sweepRows(tile.f32, labels.i32, stats.f32, mean?.f32 ?? null, anchor?.f32 ?? null, { columns: tile.shape[1]!, ...(attributes as unknown as Omit<SweepOptions, 'columns'>) });
  },
  wasm: (simd, { tile, labels, stats, ...others }, { from, first, write }) => {
    const { mean, anchor } = others as Optional<'mean' | 'anchor', typeof tile>;
    const [R, columns] = tile.shape as [number, number];
    const work = R * columns * (anchor ? 40 : 12);
    const values = [R, columns, from as number, Number(first), Number(write), mean?.shape[1] ?? 0, tile.at, labels.at, stats.at, mean?.at ?? 0, anchor?.at ?? 0];
    simd.run('headLossSweep', simd.parallel(work), ...values);
  },
  webgpu: sweepWgsl,
};

const finishSpec: KernelSpec<'stats' | 'labels' | 'mean' | 'embedding'> = {
  name: 'SidestepHeadLossFinish',
  inPlace: ['stats', 'mean'],
  outputs: ({ labels, ...others }, { anchored }) => {
    const each = { shape: labels.shape, dtype: 'float32' as const };
    return [each, ...('mean' in others && others.mean ? [each] : []), ...(anchored ? [each] : [])];
  },
  host: ({ stats, labels, ...others }, { objective, V, anchored, byRow }, [logProbs, ...results]) => {
    const { mean, embedding } = others as Optional<'mean' | 'embedding', typeof stats>;
    assertLabels(labels.i32, V as number);
    const distance = mean ? results.shift() : undefined;
    const kl = anchored ? results.shift() : undefined;
    const cost = mean && embedding ? { mean: mean.f32, embedding: embedding.f32, objective: objective as EmdObjective, byRow: byRow as boolean } : null;
    finishRows(stats.f32, labels.i32, cost, { logProbs: logProbs!.f32, distance: distance?.f32 ?? null, kl: kl?.f32 ?? null });
  },
  webgpu: finishWgsl,
};

const takeScaledRowsSpec: KernelSpec<'x' | 'scale'> = {
  name: 'SidestepHeadLossTakeScaledRows',
  inPlace: ['x'],
  outputs: ({ x }) => [{ shape: x.shape, dtype: 'float32' }],
  host: ({ x, scale }, { clear }, [out]) => takeScaledRows(x.f32, scale.f32, out!.f32, Boolean(clear)),
  webgpu: takeScaledRowsWgsl,
};

const scaleColumnsSpec: KernelSpec<'into' | 'factors' | 'x'> = {
  name: 'SidestepHeadLossScaleColumns',
  inPlace: ['into'],
  outputs: () => [],
  host: ({ into, factors, ...others }) => scaleColumnsRows(into.f32, factors.f32, (others as Optional<'x', typeof into>).x?.f32 ?? null),
  wasm: (simd, { into, factors, ...others }) => {
    const { x } = others as Optional<'x', typeof into>;
    const [R, columns] = into.shape as [number, number];
    simd.run('scaleColumns', simd.parallel(2 * R * columns), R, columns, into.at, factors.at, x?.at ?? 0);
  },
  webgpu: (inputs) => scaleColumnsWgsl(inputs),
};

const anchorPullSpec: KernelSpec<'tile' | 'anchor' | 'stats' | 'gradKl'> = {
  name: 'SidestepHeadLossAnchorPull',
  inPlace: ['anchor'],
  outputs: () => [],
  host: ({ tile, anchor, stats, gradKl }) => anchorPull(tile.f32, anchor.f32, stats.f32, gradKl.f32),
  webgpu: (inputs) => anchorPullWgsl(inputs),
};

const logitGradSpec: KernelSpec<'tile' | 'pull' | 'stats' | 'labels' | 'gradLogProbs' | 'gradDistance'> = {
  name: 'SidestepHeadLossLogitGrad',
  inPlace: ['tile'],
  outputs: () => [],
  host: ({ tile, stats, labels, gradLogProbs, ...others }, attributes) => {
    const { pull, gradDistance } = others as Optional<'pull' | 'gradDistance', typeof tile>;
    logitGradRows(tile.f32, pull?.f32 ?? null, stats.f32, labels.i32, gradLogProbs.f32, gradDistance?.f32 ?? null, {
      columns: tile.shape[1]!,
      ...(attributes as unknown as Omit<LogitGradOptions, 'columns'>),
    });
  },
  wasm: (simd, { tile, stats, labels, gradLogProbs, ...others }, { from, kept }) => {
    const { pull, gradDistance } = others as Optional<'pull' | 'gradDistance', typeof tile>;
    const [R, columns] = tile.shape as [number, number];
    const values = [R, columns, from as number, Number(kept), tile.at, pull?.at ?? 0, stats.at, labels.at, gradLogProbs.at, gradDistance?.at ?? 0];
    simd.run('headLossLogitGrad', simd.parallel(R * columns * (kept ? 4 : 14)), ...values);
  },
  webgpu: logitGradWgsl,
};

/** The kernels of this folder, for registration. */
export const headLossSpecs: KernelSpec[] = [sweepSpec, finishSpec, takeScaledRowsSpec, scaleColumnsSpec, anchorPullSpec, logitGradSpec];

export { statsWidth };

/** `sweepRows`. Borrows all; rewrites stats, mean and, with `write`, tile. */
export function sweep(
  inputs: { tile: Operand; labels: Operand; stats: Operand; mean?: Operand; anchor?: Operand },
  attributes: { from: number; first: boolean; write: boolean; group: boolean },
): void {
  runKernel(sweepSpec.name, inputs, attributes);
}

/** `finishRows`. Borrows all; rewrites stats and mean. Results [N] are owned by the caller. @throws EngineError bad-argument for a label outside the vocabulary (WASM; NaN on WebGPU) */
export function finish(
  inputs: { stats: tf.Tensor; labels: tf.Tensor; mean?: tf.Tensor; embedding?: Operand },
  attributes: { objective: EmdObjective | 'none'; V: number; anchored: boolean; group: boolean; byRow: boolean },
): { logProbs: tf.Tensor; distance: tf.Tensor | null; kl: tf.Tensor | null } {
  const [logProbs, ...results] = runKernel(finishSpec.name, inputs, attributes);
  const distance = inputs.mean ? results.shift()! : null;
  return { logProbs: logProbs!, distance, kl: attributes.anchored ? results.shift()! : null };
}

/** `takeScaledRows`: [R, D], owned by the caller; x is cleared if asked. */
export function takeScaled(x: Operand, scale: Operand, clear: boolean): tf.Tensor {
  return runKernel(takeScaledRowsSpec.name, { x, scale }, { clear })[0]!;
}

/** `scaleColumnsRows`: into [R, columns] is rewritten, factors [columns]. */
export function scaleColumns(inputs: { into: Operand; factors: Operand; x?: Operand }): void {
  runKernel(scaleColumnsSpec.name, inputs);
}

/** `anchorPull`, in place of the anchor's logits. */
export function pullToAnchor(inputs: { tile: Operand; anchor: Operand; stats: Operand; gradKl: Operand }): void {
  runKernel(anchorPullSpec.name, inputs);
}

/** `logitGradRows`, in place of the tile. */
export function logitGrad(
  inputs: { tile: Operand; stats: Operand; labels: Operand; gradLogProbs: Operand; pull?: Operand; gradDistance?: Operand },
  attributes: { from: number; kept: boolean; group: boolean },
): void {
  runKernel(logitGradSpec.name, inputs, attributes);
}
