/**
 * RMSNorm of each head's queries and keys in fused rows q | k | v (Qwen 3, Gemma 3): one gain for all query heads, one for all key heads.
 * Not for the norms of the residual stream (rmsNorm).
 */
import type * as tf from '@tensorflow/tfjs-core';
import { assertOperand, assertTensor } from '../assertShape.ts';
import { type Attributes, type KernelSpec, runKernel } from '../kernelSpec.ts';
import type { Operand, Slice } from '../slice.ts';
import { headNormBackward, headNormForward, type HeadNormSizes } from './headNorm.cpu.ts';
import { headGainGradProgram, headNormGradProgram, headNormProgram } from './headNorm.webgpu.ts';

export type { HeadNormSizes };

const sizesFrom = ({ H, G, K, eps }: Attributes): HeadNormSizes => ({ H, G, K, eps }) as HeadNormSizes;

const heads = ({ H, G }: HeadNormSizes): number => H + 2 * G;

const forward: KernelSpec<'qkv' | 'gainQ' | 'gainK'> = {
  name: 'SidestepHeadNorm',
  outputs: ({ qkv }) => [{ shape: qkv.shape, dtype: 'float32' }],
  host: ({ qkv, gainQ, gainK }, attributes, [out]) => headNormForward(qkv.f32, gainQ.f32, gainK.f32, out!.f32, sizesFrom(attributes)),
  wasm: (simd, { qkv, gainQ, gainK }, attributes, [out]) => {
    const { H, G, K, eps } = sizesFrom(attributes);
    const [R, width] = qkv.shape as [number, number];
    simd.run('headNorm', simd.parallel(6 * R * width), R, H, G, K, eps, qkv.at, gainQ.at, gainK.at, out!.at);
  },
  webgpu: ({ qkv, gainQ, gainK }, attributes, [out]) => [headNormProgram({ qkv, gainQ, gainK, out: out! }, qkv.shape[0]!, sizesFrom(attributes))],
};

/** `gradGainQ` and `gradGainK` are left out for frozen gains. The second output is scratch: 1 / root mean square of each head. */
const backward: KernelSpec = {
  name: 'SidestepHeadNormGrad',
  inPlace: ['gradGainQ', 'gradGainK'],
  outputs: ({ qkv }, attributes) => [
    { shape: qkv!.shape, dtype: 'float32' },
    { shape: [qkv!.shape[0]!, heads(sizesFrom(attributes))], dtype: 'float32' },
  ],
  host: ({ qkv, gainQ, gainK, gradOut, gradGainQ, gradGainK }, attributes, [gradQkv]) =>
    headNormBackward(qkv!.f32, gainQ!.f32, gainK!.f32, gradOut!.f32, gradQkv!.f32, gradGainQ?.f32 ?? null, gradGainK?.f32 ?? null, sizesFrom(attributes)),
  wasm: (simd, { qkv, gainQ, gainK, gradOut, gradGainQ, gradGainK }, attributes, [gradQkv, scales]) => {
    const { H, G, K, eps } = sizesFrom(attributes);
    const [R, width] = qkv!.shape as [number, number];
    simd.run('headNormGrad', simd.parallel(14 * R * width), R, H, G, K, eps, qkv!.at, gainQ!.at, gainK!.at, gradOut!.at, gradQkv!.at, scales!.at);
    const addGainGrad = (gradGain: { at: number }, first: number, count: number): void =>
      simd.run('headGainGrad', simd.parallel(5 * R * count * K), R, H + 2 * G, first, count, K, qkv!.at, gradOut!.at, scales!.at, gradGain.at);
    if (gradGainQ) addGainGrad(gradGainQ, 0, H);
    if (gradGainK) addGainGrad(gradGainK, H, G);
  },
  webgpu: ({ qkv, gainQ, gainK, gradOut, gradGainQ, gradGainK }, attributes, [gradQkv, scales]) => {
    const sizes = sizesFrom(attributes);
    const R = qkv!.shape[0]!;
    const t = { qkv: qkv!, gradOut: gradOut!, scales: scales! };
    const programs = [headNormGradProgram({ ...t, gainQ: gainQ!, gainK: gainK!, gradQkv: gradQkv! }, R, sizes)];
    if (gradGainQ) programs.push(headGainGradProgram({ ...t, gradGain: gradGainQ }, R, sizes, 'queries'));
    if (gradGainK) programs.push(headGainGradProgram({ ...t, gradGain: gradGainK }, R, sizes, 'keys'));
    return programs;
  },
};

export const headNormSpecs = [forward, backward] as KernelSpec[];

function assertHeads(op: string, qkv: tf.Tensor, gainQ: Operand, gainK: Operand, sizes: HeadNormSizes): void {
  assertTensor(op, 'qkv', qkv, [null, heads(sizes) * sizes.K]);
  assertOperand(op, 'gainQ', gainQ, [sizes.K]);
  assertOperand(op, 'gainK', gainK, [sizes.K]);
}

/**
 * x / sqrt(mean(x²) + eps) · gain of each query head (gainQ) and each key head (gainK); values are copied.
 * @param qkv   [R, (H + 2G)·K] float32, borrowed  @param gainQ [K] float32, borrowed  @param gainK as gainQ
 * @returns     the same shape, owned by the caller
 * @throws EngineError bad-shape, bad-argument
 */
export function headNorm(qkv: tf.Tensor, gainQ: Operand, gainK: Operand, sizes: HeadNormSizes): tf.Tensor {
  assertHeads('headNorm', qkv, gainQ, gainK, sizes);
  return runKernel(forward.name, { qkv, gainQ, gainK }, { ...sizes })[0]!;
}

/** What headNormGrad reads and where it adds. */
export interface HeadNormGradInputs {
  /** [R, (H + 2G)·K], what headNorm was given; borrowed. */
  qkv: tf.Tensor;
  /** [K] float32, borrowed. */
  gainQ: Operand;
  gainK: Operand;
  /** [R, (H + 2G)·K], the gradient of what headNorm gave; borrowed. */
  gradOut: tf.Tensor;
  /** [K]: the gradient of the gain is added here; null where it is frozen. */
  gradGainQ: Slice | null;
  gradGainK: Slice | null;
}

/**
 * The gradient of headNorm towards qkv; those of the gains are added to their slices. The same bits on every run.
 * @returns [R, (H + 2G)·K] float32, owned by the caller
 * @throws EngineError bad-shape, bad-argument
 */
export function headNormGrad({ qkv, gainQ, gainK, gradOut, gradGainQ, gradGainK }: HeadNormGradInputs, sizes: HeadNormSizes): tf.Tensor {
  assertHeads('headNormGrad', qkv, gainQ, gainK, sizes);
  assertTensor('headNormGrad', 'gradOut', gradOut, qkv.shape);
  if (gradGainQ) assertOperand('headNormGrad', 'gradGainQ', gradGainQ, [sizes.K]);
  if (gradGainK) assertOperand('headNormGrad', 'gradGainK', gradGainK, [sizes.K]);
  const inputs = { qkv, gainQ, gainK, gradOut, ...(gradGainQ ? { gradGainQ } : {}), ...(gradGainK ? { gradGainK } : {}) };
  const [gradQkv, scales] = runKernel(backward.name, inputs, { ...sizes });
  scales!.dispose();
  return gradQkv!;
}
