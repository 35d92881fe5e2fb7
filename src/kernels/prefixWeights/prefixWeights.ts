/** Prefix weights of the tokens of some rows, as a differentiable op. See the twin for the formula. */
import * as tf from '@tensorflow/tfjs-core';
import { assertTensor } from '../assertShape.ts';
import { runKernel, type KernelSpec } from '../kernelSpec.ts';
import { withGradient } from '../withGradient.ts';
import { prefixWeightsCpu, prefixWeightsGradCpu } from './prefixWeights.cpu.ts';
import { prefixWeightsGradWgsl, prefixWeightsWgsl } from './prefixWeights.webgpu.ts';

const forwardSpec: KernelSpec<'logRatios' | 'rowOffsets'> = {
  name: 'SidestepPrefixWeights',
  outputs: ({ logRatios }) => [{ shape: logRatios.shape, dtype: 'float32' }],
  host: ({ logRatios, rowOffsets }, { clamp }, [out]) => prefixWeightsCpu(logRatios.f32, rowOffsets.i32, clamp as number, out!.f32),
  webgpu: prefixWeightsWgsl,
};

const gradSpec: KernelSpec<'dw' | 'logRatios' | 'rowOffsets'> = {
  name: 'SidestepPrefixWeightsGrad',
  outputs: ({ logRatios }) => [{ shape: logRatios.shape, dtype: 'float32' }],
  host: ({ dw, logRatios, rowOffsets }, { clamp }, [out]) => prefixWeightsGradCpu(dw.f32, logRatios.f32, rowOffsets.i32, clamp as number, out!.f32),
  webgpu: prefixWeightsGradWgsl,
};

/** The kernels of this folder, for registration. */
export const prefixWeightsSpecs = [forwardSpec, gradSpec];

/**
 * w_t = exp(min(clamp, sum of the log ratios of the earlier tokens of the row)); the gradient is 0 where the clamp holds.
 * @param logRatios  [N] float32, row after row, borrowed
 * @param rowOffsets [R + 1] int32, non-decreasing from 0 to N, borrowed; the caller checks this
 * @param options    clamp in nats; stopGradient: treat the weights as constants
 * @returns          [N] float32, owned by the caller
 * @throws EngineError bad-shape, bad-argument for tensors that do not fit
 */
export function prefixWeights(logRatios: tf.Tensor1D, rowOffsets: tf.Tensor1D, options: { clamp: number; stopGradient: boolean }): tf.Tensor1D {
  assertTensor('prefixWeights', 'logRatios', logRatios, [null]);
  assertTensor('prefixWeights', 'rowOffsets', rowOffsets, [null], 'int32');
  const { clamp, stopGradient } = options;
  return withGradient(logRatios, (r, save) => {
    save([r]);
    return {
      value: runKernel(forwardSpec.name, { logRatios: r, rowOffsets }, { clamp })[0]!,
      gradFunc: (dw, saved) =>
        stopGradient ? tf.zerosLike(saved[0]!) : runKernel(gradSpec.name, { dw, logRatios: saved[0]!, rowOffsets }, { clamp })[0]!,
    };
  }) as tf.Tensor1D;
}
