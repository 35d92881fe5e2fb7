/** Causal softmax attention with grouped keys, padding on the left and a key/value cache; fused, so scores are never stored. */
import * as tf from '@tensorflow/tfjs-core';
import { EngineError } from '../../base/errors.ts';
import { assertTensor } from '../assertShape.ts';
import { firstGradient, type KernelSpec, runKernel } from '../kernelSpec.ts';
import { attentionBackward, attentionForward, type AttentionSizes } from './attention.cpu.ts';
import { attentionGradPrograms, attentionProgram } from './attention.webgpu.ts';

function sizesOf(q: { shape: number[] }, k: { shape: number[] }, pastLength: number): AttentionSizes {
  const [B, T, H, K] = q.shape as [number, number, number, number];
  const [, S, G] = k.shape as [number, number, number, number];
  return { B, T, S, H, G, K, pastLength };
}

/** Sizes in the order of the SIMD kernels, with the scale of the scores. */
const simdSizes = ({ B, T, S, H, G, K, pastLength }: AttentionSizes): [number, number, number, number, number, number, number, number] => [B, T, S, H, G, K, pastLength, 1 / Math.sqrt(K)];

/** Floating-point operations of the forward pass, about half of which causality saves. */
const workOf = ({ B, T, S, H, K }: AttentionSizes): number => B * H * T * S * (2 * K + 5);

const forward: KernelSpec<'q' | 'k' | 'v' | 'start'> = {
  name: 'SidestepAttention',
  outputs: ({ q }) => [
    { shape: q.shape, dtype: 'float32' },
    { shape: [q.shape[0]!, q.shape[2]!, q.shape[1]!], dtype: 'float32' },
  ],
  host: ({ q, k, v, start }, { pastLength }, [out, logSumExp]) => attentionForward(q.f32, k.f32, v.f32, start.i32, out!.f32, logSumExp!.f32, sizesOf(q, k, pastLength as number)),
  wasm: (simd, { q, k, v, start }, { pastLength }, [out, logSumExp]) => {
    const sizes = sizesOf(q, k, pastLength as number);
    const chunks = simd.parallel(workOf(sizes));
    simd.run('attention', chunks, ...simdSizes(sizes), q.at, k.at, v.at, start.at, out!.at, logSumExp!.at, simd.scratch(chunks * (sizes.S + 4) * 4));
  },
  webgpu: ({ q, k, v, start }, { pastLength }, [out, logSumExp]) => [attentionProgram({ q, k, v, start }, out!, logSumExp!, sizesOf(q, k, pastLength as number))],
};

const backward: KernelSpec<'q' | 'k' | 'v' | 'start' | 'out' | 'logSumExp' | 'gradOut'> = {
  name: 'SidestepAttentionGrad',
  outputs: ({ q, k, v }) => [
    { shape: q.shape, dtype: 'float32' },
    { shape: k.shape, dtype: 'float32' },
    { shape: v.shape, dtype: 'float32' },
    { shape: [2, q.shape[0]!, q.shape[2]!, q.shape[1]!], dtype: 'float32' },
  ],
  host: ({ q, k, v, start, out, logSumExp, gradOut }, { pastLength }, [gradQ, gradK, gradV]) =>
    attentionBackward(q.f32, k.f32, v.f32, start.i32, out.f32, logSumExp.f32, gradOut.f32, gradQ!.f32, gradK!.f32, gradV!.f32, sizesOf(q, k, pastLength as number)),
  wasm: (simd, { q, k, v, start, out, logSumExp, gradOut }, { pastLength }, [gradQ, gradK, gradV]) => {
    const sizes = sizesOf(q, k, pastLength as number);
    simd.run('attentionGrad', simd.parallel(3 * workOf(sizes)), ...simdSizes(sizes), q.at, k.at, v.at, start.at, out.at, logSumExp.at, gradOut.at, gradQ!.at, gradK!.at, gradV!.at);
  },
  webgpu: ({ q, k, v, start, out, logSumExp, gradOut }, { pastLength }, [gradQ, gradK, gradV, stats]) =>
    attentionGradPrograms(
      { q, k, v, start },
      { out, logSumExp, gradOut },
      { gradQ: gradQ!, gradK: gradK!, gradV: gradV!, stats: stats! },
      sizesOf(q, k, pastLength as number),
    ),
};

export const attentionSpecs = [forward, backward];

export const attentionGradient: tf.GradConfig = {
  kernelName: forward.name,
  inputsToSave: ['q', 'k', 'v', 'start'],
  outputsToSave: [true, true],
  gradFunc: (gradOutputs, saved, attributes) => {
    const [q, k, v, start, out, logSumExp] = saved as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
    const gradOut = firstGradient(gradOutputs);
    const [gradQ, gradK, gradV] = runKernel(backward.name, { q, k, v, start, out, logSumExp, gradOut }, { pastLength: attributes.pastLength as number });
    return { q: () => gradQ!, k: () => gradK!, v: () => gradV! };
  },
};

/**
 * out[b, t, h] = Σ_s softmax_s(q[b, t, h] · k[b, s, g] / √K) v[b, s, g] over start[b] ≤ s ≤ pastLength + t, with g = floor(h·G/H)
 * @param q       [B, T, H, K] float32, borrowed; query t sits at absolute slot pastLength + t
 * @param k       [B, S, G, K] float32, borrowed; slots after the last query are not read
 * @param v       [B, S, G, K] float32, borrowed
 * @param options pastLength: slots before the first query; start [B] int32, borrowed: first real slot of each row (left padding)
 * @returns       [B, T, H, K] float32, owned by the caller; zeros where a query has no slot to attend to
 * @throws EngineError bad-shape, bad-argument
 */
export function causalAttention(q: tf.Tensor, k: tf.Tensor, v: tf.Tensor, options: { pastLength: number; start: tf.Tensor }): tf.Tensor {
  assertTensor('causalAttention', 'q', q, [null, null, null, null]);
  const [B, T, H, K] = q.shape as [number, number, number, number];
  assertTensor('causalAttention', 'k', k, [B, null, null, K]);
  assertTensor('causalAttention', 'v', v, k.shape);
  assertTensor('causalAttention', 'start', options.start, [B], 'int32');
  const [, S, G] = k.shape as [number, number, number, number];
  if (H % G !== 0) throw new EngineError('bad-shape', `causalAttention: ${H} heads cannot share ${G} key groups.`);
  if (!Number.isInteger(options.pastLength) || options.pastLength < 0 || options.pastLength + T > S)
    throw new EngineError('bad-argument', `causalAttention: ${T} queries after ${options.pastLength} slots do not fit into ${S} key slots.`);
  const [out, logSumExp] = runKernel(forward.name, { q, k, v, start: options.start }, { pastLength: options.pastLength });
  // On the tape a clone of it is kept for the gradient; otherwise its memory goes back now.
  logSumExp!.dispose();
  return out!;
}

export { attentionFused, attentionFusedGrad, type FusedSizes } from './attentionFused.ts';
