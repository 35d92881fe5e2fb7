/** Root-mean-square normalisation (Zhang & Sennrich 2019). */
import * as tf from '@tensorflow/tfjs-core';
import { assertOperand, assertTensor, lastSize } from '../assertShape.ts';
import { type KernelSpec, runKernel } from '../kernelSpec.ts';
import { type NormRows, normGainGradProgram, normGradProgram, normProgram } from '../norm/norm.webgpu.ts';
import { runNorm, runNormGainGrad, runNormGrad } from '../norm/norm.simd.ts';
import type { Operand, Slice } from '../slice.ts';
import { rmsNormBackward, rmsNormForward } from './rmsNorm.cpu.ts';

const rows = (x: { shape: number[] }): number => tf.util.sizeFromShape(x.shape.slice(0, -1));

const layoutOf = (x: { shape: number[] }, eps: number): NormRows => ({ rows: rows(x), columns: x.shape.at(-1)!, eps, centered: false });

const forward: KernelSpec<'x' | 'weight'> = {
  name: 'SidestepRmsNorm',
  outputs: ({ x }) => [{ shape: x.shape, dtype: 'float32' }],
  host: ({ x, weight }, { eps }, [y]) => rmsNormForward(x.f32, weight.f32, y!.f32, weight.shape[0]!, eps as number),
  wasm: (simd, { x, weight }, { eps }, [y]) => runNorm(simd, { x, weight, y: y! }, layoutOf(x, eps as number)),
  webgpu: ({ x, weight }, { eps }, [y]) => [normProgram({ x, weight, y: y! }, layoutOf(x, eps as number))],
};

/** `gradWeight` is left out for a frozen gain. The second output is scratch. */
const backward: KernelSpec = {
  name: 'SidestepRmsNormGrad',
  inPlace: ['gradWeight'],
  outputs: ({ x }) => [
    { shape: x!.shape, dtype: 'float32' },
    { shape: [rows(x!), 2], dtype: 'float32' },
  ],
  host: ({ x, weight, gradY, residualGrad, gradWeight }, { eps }, [gradX]) =>
    rmsNormBackward(x!.f32, weight!.f32, gradY!.f32, residualGrad?.f32 ?? null, gradX!.f32, gradWeight?.f32 ?? null, weight!.shape[0]!, eps as number),
  wasm: (simd, { x, weight, gradY, residualGrad, gradWeight }, { eps }, [gradX, stats]) => {
    const layout = layoutOf(x!, eps as number);
    runNormGrad(simd, { x: x!, weight: weight!, gradY: gradY!, residualGrad, gradX: gradX!, stats: stats! }, layout);
    if (gradWeight) runNormGainGrad(simd, { x: x!, gradY: gradY!, stats: stats!, gradWeight }, layout);
  },
  webgpu: ({ x, weight, gradY, residualGrad, gradWeight }, { eps }, [gradX, stats]) => {
    const layout = layoutOf(x!, eps as number);
    const programs = [normGradProgram({ x: x!, weight: weight!, gradY: gradY!, residualGrad, gradX: gradX!, stats: stats! }, layout)];
    if (gradWeight) programs.push(normGainGradProgram({ x: x!, gradY: gradY!, stats: stats!, gradWeight }, layout));
    return programs;
  },
};

export const rmsNormSpecs = [forward, backward] as KernelSpec[];

/**
 * Root-mean-square normalisation over the last axis: y = x / sqrt(mean(x²) + eps) · weight
 * @param x      [..., C] float32, borrowed
 * @param weight [C] float32, borrowed
 * @returns      [..., C] float32, owned by the caller
 * @throws EngineError bad-shape if weight is not [C]
 * @see Zhang & Sennrich 2019, "Root Mean Square Layer Normalization"
 */
export function rmsNorm(x: tf.Tensor, weight: Operand, eps: number): tf.Tensor {
  assertOperand('rmsNorm', 'weight', weight, [lastSize('rmsNorm', 'x', x)]);
  assertTensor('rmsNorm', 'x', x, x.shape.map(() => null));
  return runKernel(forward.name, { x, weight }, { eps })[0]!;
}

/** What rmsNormGrad reads and where it adds. */
export interface RmsNormGradInputs {
  /** [R, C] float32, borrowed. */
  x: tf.Tensor;
  /** [C] float32, borrowed. */
  weight: Operand;
  eps: number;
  /** [R, C] float32, borrowed. */
  gradY: tf.Tensor;
  /** [R, C], borrowed: the gradient that goes around the norm; added to the result. */
  residualGrad: tf.Tensor | null;
  /** [C]: the gradient of weight is added here; null where weight is frozen. */
  gradWeight: Slice | null;
}

/**
 * The gradient of rmsNorm towards x, plus residualGrad; the gradient of weight is added to its slice. The same bits on every run.
 * @returns [R, C] float32, owned by the caller
 * @throws EngineError bad-shape, bad-argument
 */
export function rmsNormGrad({ x, weight, eps, gradY, residualGrad, gradWeight }: RmsNormGradInputs): tf.Tensor {
  const columns = [lastSize('rmsNormGrad', 'x', x)];
  assertOperand('rmsNormGrad', 'weight', weight, columns);
  assertTensor('rmsNormGrad', 'gradY', gradY, x.shape);
  if (residualGrad) assertTensor('rmsNormGrad', 'residualGrad', residualGrad, x.shape);
  if (gradWeight) assertOperand('rmsNormGrad', 'gradWeight', gradWeight, columns);
  const [gradX, stats] = runKernel(backward.name, { x, weight, gradY, ...(residualGrad ? { residualGrad } : {}), ...(gradWeight ? { gradWeight } : {}) }, { eps });
  stats!.dispose();
  return gradX!;
}
