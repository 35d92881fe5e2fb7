/**
 * Causal softmax attention on fused rows q|k|v with grouped keys, padding on the left and, where wanted, a sliding window: scores and probabilities are never stored,
 * the gradient recomputes them from one number a query. Not for decoding with a cache (cachedAttention.ts).
 */
import type * as tf from '@tensorflow/tfjs-core';
import { EngineError } from '../../base/errors.ts';
import { assertTensor } from '../assertShape.ts';
import { type Attributes, type KernelSpec, runKernel } from '../kernelSpec.ts';
import { attentionFusedBackward, attentionFusedForward, type FusedSizes, rowWidth } from './attentionFused.cpu.ts';
import { attentionFusedGradPrograms, attentionFusedProgram } from './attentionFused.webgpu.ts';
import { simdAttention, simdAttentionGrad } from './simdAttention.ts';

export type { FusedSizes };

/** Sizes travel to kernels as attributes, which cannot be null: window 0 is none. */
export const attributesOf = ({ B, T, H, G, K, scale, window }: FusedSizes): Attributes => ({ B, T, H, G, K, scale, window: window ?? 0 });
export const sizesFrom = ({ B, T, H, G, K, scale, window }: Attributes): FusedSizes => ({ B, T, H, G, K, scale, window: window === 0 ? null : window }) as FusedSizes;

const forward: KernelSpec<'qkv' | 'start'> = {
  name: 'SidestepAttentionFused',
  outputs: (_inputs, attributes) => {
    const { B, T, H, K } = sizesFrom(attributes);
    return [
      { shape: [B * T, H * K], dtype: 'float32' },
      { shape: [B, H, T], dtype: 'float32' },
    ];
  },
  host: ({ qkv, start }, attributes, [out, logSumExp]) => attentionFusedForward(qkv.f32, start.i32, out!.f32, logSumExp!.f32, sizesFrom(attributes)),
  wasm: (simd, { qkv, start }, attributes, [out, logSumExp]) => simdAttention(simd, { qkv, start, out: out!, logSumExp: logSumExp! }, sizesFrom(attributes)),
  webgpu: ({ qkv, start }, attributes, [out, logSumExp]) => [attentionFusedProgram({ qkv, start, out: out!, logSumExp: logSumExp! }, sizesFrom(attributes))],
};

const backward: KernelSpec<'qkv' | 'start' | 'out' | 'logSumExp' | 'gradOut'> = {
  name: 'SidestepAttentionFusedGrad',
  outputs: ({ qkv, logSumExp }) => [
    { shape: qkv.shape, dtype: 'float32' },
    // Scratch: Σ gradOut · out of each query.
    { shape: logSumExp.shape, dtype: 'float32' },
  ],
  host: ({ qkv, start, out, logSumExp, gradOut }, attributes, [gradQkv]) =>
    attentionFusedBackward(qkv.f32, start.i32, out.f32, logSumExp.f32, gradOut.f32, gradQkv!.f32, sizesFrom(attributes)),
  wasm: (simd, { qkv, start, out, logSumExp, gradOut }, attributes, [gradQkv]) => simdAttentionGrad(simd, { qkv, start, out, logSumExp, gradOut, gradQkv: gradQkv! }, sizesFrom(attributes)),
  webgpu: ({ qkv, start, out, logSumExp, gradOut }, attributes, [gradQkv, means]) =>
    attentionFusedGradPrograms({ qkv, start, out, logSumExp, gradOut, gradQkv: gradQkv!, means: means! }, sizesFrom(attributes)),
};

export const attentionFusedSpecs = [forward, backward];

/** @throws EngineError bad-shape, bad-argument for a scale or a window that is none */
export function assertFusedRows(op: string, qkv: tf.Tensor, start: tf.Tensor, sizes: FusedSizes): void {
  const { B, T, H, G, scale, window } = sizes;
  if (!Number.isFinite(scale)) throw new EngineError('bad-argument', `${op}: scale ${scale} is not a number.`);
  if (window !== null && !(Number.isInteger(window) && window > 0)) throw new EngineError('bad-argument', `${op}: a window of ${window} slots holds none.`);
  if (H % G !== 0) throw new EngineError('bad-shape', `${op}: ${H} heads cannot share ${G} key groups.`);
  assertTensor(op, 'qkv', qkv, [B * T, rowWidth(sizes)]);
  assertTensor(op, 'start', start, [B], 'int32');
}

/**
 * @param qkv   [B·T, (H + 2G)·K] float32: in each row H query heads, G key heads, G value heads. Borrowed
 * @param start [B] int32: first slot of each row of the batch that is not padding. Borrowed
 * @returns     out [B·T, H·K] (zeros where a query has no slot to attend to) and logSumExp [B, H, T]; owned by the caller
 * @throws EngineError bad-shape, bad-argument
 */
export function attentionFused(qkv: tf.Tensor, start: tf.Tensor, sizes: FusedSizes): { out: tf.Tensor; logSumExp: tf.Tensor } {
  assertFusedRows('attentionFused', qkv, start, sizes);
  const [out, logSumExp] = runKernel(forward.name, { qkv, start }, attributesOf(sizes)) as [tf.Tensor, tf.Tensor];
  return { out, logSumExp };
}

/** What attentionFused was given and gave, and the gradient of its output; all borrowed. */
export interface AttentionFusedGradInputs {
  qkv: tf.Tensor;
  start: tf.Tensor;
  /** [B·T, H·K] */
  out: tf.Tensor;
  /** [B, H, T] */
  logSumExp: tf.Tensor;
  /** [B·T, H·K] */
  gradOut: tf.Tensor;
}

/**
 * @returns gradient of qkv, [B·T, (H + 2G)·K]; owned by the caller
 * @throws EngineError bad-shape, bad-argument
 */
export function attentionFusedGrad(inputs: AttentionFusedGradInputs, sizes: FusedSizes): tf.Tensor {
  const { B, T, H, K } = sizes;
  const { qkv, start, out, logSumExp, gradOut } = inputs;
  assertFusedRows('attentionFusedGrad', qkv, start, sizes);
  assertTensor('attentionFusedGrad', 'out', out, [B * T, H * K]);
  assertTensor('attentionFusedGrad', 'logSumExp', logSumExp, [B, H, T]);
  assertTensor('attentionFusedGrad', 'gradOut', gradOut, [B * T, H * K]);
  const [gradQkv, means] = runKernel(backward.name, { qkv, start, out, logSumExp, gradOut }, attributesOf(sizes)) as [tf.Tensor, tf.Tensor];
  means.dispose();
  return gradQkv;
}
