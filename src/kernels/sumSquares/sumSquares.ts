/** The norm of all gradients together, for clipping: two stages, because one long float32 sum loses digits. */
import type * as tf from '@tensorflow/tfjs-core';
import { EngineError } from '../../base/errors.ts';
import { assertOperand, assertTensor } from '../assertShape.ts';
import { type KernelSpec, runKernel } from '../kernelSpec.ts';
import type { HeapTensor, Simd } from '../simd/openSimd.ts';
import type { Operand } from '../slice.ts';
import { clipFactor, clipFactorOf, sumSquares } from './sumSquares.cpu.ts';
import { clipPartials, clipScalePrograms, globalNormPrograms, partialCount } from './sumSquares.webgpu.ts';

const sizeOf = ({ shape }: { shape: number[] }): number => shape.reduce((a, b) => a * b, 1);

function sumOfSquares(simd: Simd, tensor: HeapTensor): number {
  const n = sizeOf(tensor);
  const blocks = Math.ceil(n / 4096); // as in assembly/elements.ts
  const partials = simd.scratch(blocks * 8);
  simd.run('sumSquares', simd.parallel(2 * n), n, tensor.at, partials);
  let sum = 0;
  for (const partial of simd.f64(partials, blocks)) sum += partial;
  return sum;
}

const norm: KernelSpec = {
  name: 'SidestepGlobalNorm',
  outputs: (grads) => [
    { shape: [], dtype: 'float32' },
    { shape: [Object.values(grads).reduce((sum, grad) => sum + partialCount(grad), 0)], dtype: 'float32' },
  ],
  host: (grads, _attributes, [out]) => {
    let sum = 0;
    for (const grad of Object.values(grads)) sum += sumSquares(grad.f32);
    out!.f32[0] = Math.sqrt(sum);
  },
  wasm: (simd, grads, _attributes, [out]) => {
    let sum = 0;
    for (const grad of Object.values(grads)) sum += sumOfSquares(simd, grad);
    simd.f32(out!)[0] = Math.sqrt(sum);
  },
  webgpu: (grads, _attributes, [out, partials]) => globalNormPrograms(Object.values(grads), out!, partials!),
};

/** The second output is scratch. */
const clip: KernelSpec<'grads'> = {
  name: 'SidestepClipScale',
  outputs: ({ grads }) => [
    { shape: [2], dtype: 'float32' },
    { shape: [clipPartials(sizeOf(grads))], dtype: 'float32' },
  ],
  host: ({ grads }, { maxNorm, microBatches }, [result]) => {
    const { norm: value, scale } = clipFactor(grads.f32, maxNorm as number, microBatches as number);
    result!.f32.set([value, scale]);
  },
  wasm: (simd, { grads }, { maxNorm, microBatches }, [result]) => {
    const { norm: value, scale } = clipFactorOf(sumOfSquares(simd, grads), maxNorm as number, microBatches as number);
    simd.f32(result!).set([value, scale]);
  },
  webgpu: ({ grads }, { maxNorm, microBatches }, [result, partials]) => clipScalePrograms(grads, result!, partials!, maxNorm as number, microBatches as number),
};

export const sumSquaresSpecs = [norm, clip] as KernelSpec[];

/**
 * sqrt(Σ over all tensors of Σ x²)
 * @param grads at least one, float32, any shapes, borrowed
 * @returns     scalar float32, owned by the caller
 * @throws EngineError bad-argument for an empty list
 */
export function globalNorm(grads: tf.Tensor[]): tf.Tensor {
  if (grads.length === 0) throw new EngineError('bad-argument', 'globalNorm: no gradients were given.');
  grads.forEach((grad, i) => assertTensor('globalNorm', `gradient ${i}`, grad, grad.shape));
  const [out, partials] = runKernel(norm.name, Object.fromEntries(grads.map((grad, i) => [`grad${i}`, grad])));
  partials!.dispose();
  return out!;
}

/**
 * Clipping by global norm over a slab of gradients that were summed over micro-batches, as torch.nn.utils.clip_grad_norm_ on their mean.
 * @param grads        float32, any shape, borrowed; values between slices must be 0
 * @param microBatches how many gradients were added up, from 1
 * @returns [2] float32, owned by the caller: norm of the mean gradient, and min(1, maxNorm / (norm + 1e-6)) / microBatches
 * @throws EngineError bad-argument
 */
export function clipScale(grads: Operand, maxNorm: number, microBatches: number): tf.Tensor {
  assertOperand('clipScale', 'grads', grads, grads.shape);
  if (!(maxNorm > 0) || !Number.isInteger(microBatches) || microBatches < 1)
    throw new EngineError('bad-argument', `clipScale: maxNorm ${maxNorm} must be positive and microBatches ${microBatches} a whole number from 1.`);
  const [result, partials] = runKernel(clip.name, { grads }, { maxNorm, microBatches });
  partials!.dispose();
  return result!;
}
