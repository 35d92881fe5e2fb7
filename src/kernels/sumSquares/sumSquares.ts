/** The norm of all gradients together, for clipping: two stages, because one long float32 sum loses digits. */
import type * as tf from '@tensorflow/tfjs-core';
import { EngineError } from '../../base/errors.ts';
import { assertTensor } from '../assertShape.ts';
import { type KernelSpec, runKernel } from '../kernelSpec.ts';
import { sumSquares } from './sumSquares.cpu.ts';
import { globalNormPrograms, partialCount } from './sumSquares.webgpu.ts';

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
    for (const grad of Object.values(grads)) {
      const n = grad.shape.reduce((a, b) => a * b, 1);
      const blocks = Math.ceil(n / 4096); // as in assembly/elements.ts
      const partials = simd.scratch(blocks * 8);
      simd.run('sumSquares', simd.parallel(2 * n), n, grad.at, partials);
      for (const partial of simd.f64(partials, blocks)) sum += partial;
    }
    simd.f32(out!)[0] = Math.sqrt(sum);
  },
  webgpu: (grads, _attributes, [out, partials]) => globalNormPrograms(Object.values(grads), out!, partials!),
};

export const sumSquaresSpecs = [norm];

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
