/** The norm of all gradients together and what it means for the step: clipping, averaging, or holding it back. Decided on the device. */
import type * as tf from '@tensorflow/tfjs-core';
import { EngineError } from '../../base/errors.ts';
import { assertOperand, assertTensor } from '../assertShape.ts';
import { type KernelSpec, runKernel } from '../kernelSpec.ts';
import type { HeapTensor, Simd } from '../simd/openSimd.ts';
import type { Operand } from '../slice.ts';
import { clipFactor, sumSquares } from './clipScale.cpu.ts';
import { clipScalePrograms, partialCount } from './clipScale.webgpu.ts';

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

/** The second output is scratch. */
const spec: KernelSpec<'grads' | 'losses' | 'held'> = {
  name: 'SidestepClipScale',
  inPlace: ['held'],
  outputs: ({ grads }) => [
    { shape: [2], dtype: 'float32' },
    { shape: [partialCount(sizeOf(grads))], dtype: 'float32' },
  ],
  host: ({ grads, losses, held }, { maxNorm, microBatches }, [result]) => {
    const { norm, scale } = clipFactor(sumSquares(grads.f32), losses.f32, held.f32, maxNorm as number, microBatches as number);
    result!.f32.set([norm, scale]);
  },
  wasm: (simd, { grads, losses, held }, { maxNorm, microBatches }, [result]) => {
    const sum = sumOfSquares(simd, grads);
    const { norm, scale } = clipFactor(sum, simd.f32(losses), simd.f32(held), maxNorm as number, microBatches as number);
    simd.f32(result!).set([norm, scale]);
  },
  webgpu: (inputs, { maxNorm, microBatches }, [result, partials]) => clipScalePrograms({ ...inputs, result: result!, partials: partials! }, maxNorm as number, microBatches as number),
};

export const clipScaleSpecs = [spec] as KernelSpec[];

/**
 * Clipping by global norm over a slab of gradients that were summed over micro-batches, as torch.nn.utils.clip_grad_norm_ on their mean.
 * A loss or a norm that is not finite gives the scale NaN, with which AdamW changes nothing, and so does every step after it: so the losses may
 * be read late without harm to the weights.
 * @param grads        float32, any shape, borrowed; values between slices must be 0. Two stages, because one long float32 sum loses digits
 * @param losses       [K] float32, what must be finite, borrowed
 * @param held         [1] float32, 0 at the start of a run; rewritten, owned by the caller alone
 * @param microBatches how many gradients were added up, from 1
 * @returns [2] float32, owned by the caller: norm of the mean gradient, and min(1, maxNorm / (norm + 1e-6)) / microBatches or NaN
 * @throws EngineError bad-argument, bad-shape
 */
export function clipScale(grads: Operand, losses: tf.Tensor, held: tf.Tensor, maxNorm: number, microBatches: number): tf.Tensor {
  assertOperand('clipScale', 'grads', grads, grads.shape);
  assertTensor('clipScale', 'losses', losses, [null]);
  assertTensor('clipScale', 'held', held, [1]);
  if (!(maxNorm > 0) || !Number.isInteger(microBatches) || microBatches < 1)
    throw new EngineError('bad-argument', `clipScale: maxNorm ${maxNorm} must be positive and microBatches ${microBatches} a whole number from 1.`);
  const [result, partials] = runKernel(spec.name, { grads, losses, held }, { maxNorm, microBatches });
  partials!.dispose();
  return result!;
}
