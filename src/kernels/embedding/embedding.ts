/** Token embedding: the row of each id. Its gradient is a deterministic scatter-add straight into the table's gradient. */
import * as tf from '@tensorflow/tfjs-core';
import { assertTensor } from '../assertShape.ts';
import { firstGradient, type KernelSpec, runKernel } from '../kernelSpec.ts';
import { embeddingBackward, embeddingForward } from './embedding.cpu.ts';
import { embeddingGradPrograms, embeddingProgram } from './embedding.webgpu.ts';

const forward: KernelSpec<'weight' | 'inputIds'> = {
  name: 'SidestepEmbedding',
  outputs: ({ weight, inputIds }) => [{ shape: [...inputIds.shape, weight.shape[1]!], dtype: 'float32' }],
  host: ({ weight, inputIds }, _attributes, [out]) => embeddingForward(weight.f32, inputIds.i32, out!.f32, weight.shape[1]!),
  webgpu: ({ weight, inputIds }, _attributes, [out]) => [embeddingProgram(weight, inputIds, out!, tf.util.sizeFromShape(inputIds.shape), weight.shape[0]!, weight.shape[1]!)],
};

const backward: KernelSpec<'gradOut' | 'inputIds'> = {
  name: 'SidestepEmbeddingGrad',
  outputs: ({ gradOut, inputIds }, { vocabSize }) => [
    { shape: [vocabSize as number, gradOut.shape.at(-1)!], dtype: 'float32' },
    { shape: [2 * tf.util.sizeFromShape(inputIds.shape)], dtype: 'int32' },
  ],
  host: ({ gradOut, inputIds }, _attributes, [gradWeight]) => embeddingBackward(gradOut.f32, inputIds.i32, gradWeight!.f32, gradOut.shape.at(-1)!),
  webgpu: ({ gradOut, inputIds }, { vocabSize }, [gradWeight, links]) =>
    embeddingGradPrograms(gradOut, inputIds, gradWeight!, links!, tf.util.sizeFromShape(inputIds.shape), vocabSize as number, gradOut.shape.at(-1)!),
};

export const embeddingSpecs = [forward, backward];

export const embeddingGradient: tf.GradConfig = {
  kernelName: forward.name,
  inputsToSave: ['weight', 'inputIds'],
  gradFunc: (gradOut, saved) => ({
    weight: () => {
      const [weight, inputIds] = saved as [tf.Tensor, tf.Tensor];
      const [gradWeight] = runKernel(backward.name, { gradOut: firstGradient(gradOut), inputIds }, { vocabSize: weight.shape[0]! });
      return gradWeight!;
    },
  }),
};

/**
 * out[b, t] = weight[inputIds[b, t]]
 * @param weight   [V, C] float32, borrowed
 * @param inputIds [B, T] int32 (any rank), borrowed; ids outside 0..V-1 throw on WASM and give NaN on WebGPU
 * @returns        [B, T, C] float32, owned by the caller
 * @throws EngineError bad-shape, bad-argument
 */
export function embedding(weight: tf.Tensor, inputIds: tf.Tensor): tf.Tensor {
  assertTensor('embedding', 'weight', weight, [null, null]);
  assertTensor('embedding', 'inputIds', inputIds, inputIds.shape.map(() => null), 'int32');
  return runKernel(forward.name, { weight, inputIds })[0]!;
}
