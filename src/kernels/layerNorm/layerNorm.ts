/** Layer normalisation (Ba et al. 2016), as GPT-2 uses it: gain and bias over the last axis. */
import * as tf from '@tensorflow/tfjs-core';
import { EngineError } from '../../base/errors.ts';
import { assertOperand, assertTensor, lastSize } from '../assertShape.ts';
import { type KernelSpec, runKernel } from '../kernelSpec.ts';
import { type NormRows, normGainGradProgram, normGradProgram, normProgram } from '../norm/norm.webgpu.ts';
import { runNorm, runNormGainGrad, runNormGrad } from '../norm/norm.simd.ts';
import type { Operand, Slice } from '../slice.ts';
import { layerNormBackward, layerNormForward } from './layerNorm.cpu.ts';

const layoutOf = ({ shape }: { shape: number[] }, eps: number): NormRows => ({
  rows: tf.util.sizeFromShape(shape.slice(0, -1)),
  columns: shape.at(-1)!,
  eps,
  centered: true,
});

const forward: KernelSpec<'x' | 'weight' | 'bias'> = {
  name: 'SidestepLayerNorm',
  outputs: ({ x }) => [{ shape: x.shape, dtype: 'float32' }],
  host: ({ x, weight, bias }, { eps }, [y]) => layerNormForward(x.f32, weight.f32, bias.f32, y!.f32, weight.shape[0]!, eps as number),
  wasm: (simd, { x, weight, bias }, { eps }, [y]) => runNorm(simd, { x, weight, bias, y: y! }, layoutOf(x, eps as number)),
  webgpu: ({ x, weight, bias }, { eps }, [y]) => [normProgram({ x, weight, bias, y: y! }, layoutOf(x, eps as number))],
};

/** `gradWeight` and `gradBias` are left out together where they are frozen. The second output is scratch. */
const backward: KernelSpec = {
  name: 'SidestepLayerNormGrad',
  inPlace: ['gradWeight', 'gradBias'],
  outputs: ({ x }) => [
    { shape: x!.shape, dtype: 'float32' },
    { shape: [layoutOf(x!, 0).rows, 2], dtype: 'float32' },
  ],
  host: ({ x, weight, gradY, residualGrad, gradWeight, gradBias }, { eps }, [gradX]) => {
    const inputs = { x: x!.f32, weight: weight!.f32, gradY: gradY!.f32, residualGrad: residualGrad?.f32 ?? null };
    layerNormBackward(inputs, gradX!.f32, gradWeight?.f32 ?? null, gradBias?.f32 ?? null, weight!.shape[0]!, eps as number);
  },
  wasm: (simd, { x, weight, gradY, residualGrad, gradWeight, gradBias }, { eps }, [gradX, stats]) => {
    const layout = layoutOf(x!, eps as number);
    runNormGrad(simd, { x: x!, weight: weight!, gradY: gradY!, residualGrad, gradX: gradX!, stats: stats! }, layout);
    if (gradWeight && gradBias) runNormGainGrad(simd, { x: x!, gradY: gradY!, stats: stats!, gradWeight, gradBias }, layout);
  },
  webgpu: ({ x, weight, gradY, residualGrad, gradWeight, gradBias }, { eps }, [gradX, stats]) => {
    const layout = layoutOf(x!, eps as number);
    const programs = [normGradProgram({ x: x!, weight: weight!, gradY: gradY!, residualGrad, gradX: gradX!, stats: stats! }, layout)];
    if (gradWeight && gradBias) programs.push(normGainGradProgram({ x: x!, gradY: gradY!, stats: stats!, gradWeight, gradBias }, layout));
    return programs;
  },
};

export const layerNormSpecs = [forward, backward] as KernelSpec[];

/**
 * Layer normalisation over the last axis: y = (x − mean) / sqrt(variance + eps) · weight + bias, with the biased variance
 * @param x      [..., C] float32, borrowed
 * @param weight [C] float32, borrowed
 * @param bias   [C] float32, borrowed
 * @returns      [..., C] float32, owned by the caller
 * @throws EngineError bad-shape if weight or bias is not [C]
 * @see Ba, Kiros & Hinton 2016, "Layer Normalization"; same arithmetic as torch.nn.functional.layer_norm
 */
export function layerNorm(x: tf.Tensor, weight: Operand, bias: Operand, eps: number): tf.Tensor {
  const columns = [lastSize('layerNorm', 'x', x)];
  assertOperand('layerNorm', 'weight', weight, columns);
  assertOperand('layerNorm', 'bias', bias, columns);
  assertTensor('layerNorm', 'x', x, x.shape);
  return runKernel(forward.name, { x, weight, bias }, { eps })[0]!;
}

/** What layerNormGrad reads and where it adds. */
export interface LayerNormGradInputs {
  /** [R, C] float32, borrowed. */
  x: tf.Tensor;
  /** [C] float32, borrowed. */
  weight: Operand;
  eps: number;
  /** [R, C] float32, borrowed. */
  gradY: tf.Tensor;
  /** [R, C], borrowed: the gradient that goes around the norm; added to the result. */
  residualGrad: tf.Tensor | null;
  /** [C]: the gradients of weight and bias are added here; both null where they are frozen. */
  gradWeight: Slice | null;
  gradBias: Slice | null;
}

/**
 * The gradient of layerNorm towards x, plus residualGrad; the gradients of weight and bias are added to their slices. The same bits on every run.
 * @returns [R, C] float32, owned by the caller
 * @throws EngineError bad-shape, bad-argument if only one of gradWeight and gradBias is given
 */
export function layerNormGrad({ x, weight, eps, gradY, residualGrad, gradWeight, gradBias }: LayerNormGradInputs): tf.Tensor {
  const columns = [lastSize('layerNormGrad', 'x', x)];
  assertOperand('layerNormGrad', 'weight', weight, columns);
  assertTensor('layerNormGrad', 'gradY', gradY, x.shape);
  if (residualGrad) assertTensor('layerNormGrad', 'residualGrad', residualGrad, x.shape);
  if (!gradWeight !== !gradBias) throw new EngineError('bad-argument', 'layerNormGrad: give gradWeight and gradBias, or neither.');
  const into: Record<string, Slice> = gradWeight && gradBias ? { gradWeight, gradBias } : {};
  for (const [name, slice] of Object.entries(into)) assertOperand('layerNormGrad', name, slice, columns);
  const [gradX, stats] = runKernel(backward.name, { x, weight, gradY, ...(residualGrad ? { residualGrad } : {}), ...into }, { eps });
  stats!.dispose();
  return gradX!;
}
