/** Registers every kernel and gradient of ours with tfjs. The one list of them. */
import * as tf from '@tensorflow/tfjs-core';
import { adamWSpecs } from './adamW/adamW.ts';
import { attentionGradient, attentionSpecs } from './attention/attention.ts';
import { registerCoreGradients } from './coreGradients.ts';
import { crossEntropyGradient, crossEntropySpecs } from './crossEntropy/crossEntropy.ts';
import { embeddingGradient, embeddingSpecs } from './embedding/embedding.ts';
import { type KernelBackendName, type KernelSpec, registerKernelSpec } from './kernelSpec.ts';
import { kvCacheSpecs } from './kvCache/kvCache.ts';
import { batchMatMulSpec } from './matMul/matMul.ts';
import { prefixWeightsSpecs } from './prefixWeights/prefixWeights.ts';
import { rmsNormGradient, rmsNormSpecs } from './rmsNorm/rmsNorm.ts';
import { ropeGradient, ropeSpecs } from './rope/rope.ts';
import { semanticDistanceSpecs } from './semanticDistance/semanticDistance.ts';
import { sumSquaresSpecs } from './sumSquares/sumSquares.ts';
import { swiGluGradient, swiGluSpecs } from './swiGlu/swiGlu.ts';

const specs: KernelSpec[] = [
  ...embeddingSpecs,
  ...rmsNormSpecs,
  ...ropeSpecs,
  ...attentionSpecs,
  ...swiGluSpecs,
  ...crossEntropySpecs,
  ...kvCacheSpecs,
  ...adamWSpecs,
  ...sumSquaresSpecs,
  ...semanticDistanceSpecs,
  ...prefixWeightsSpecs,
  batchMatMulSpec,
];

const gradients: tf.GradConfig[] = [embeddingGradient, rmsNormGradient, ropeGradient, attentionGradient, swiGluGradient, crossEntropyGradient];

const registered = new Set<KernelBackendName>();

/**
 * Registers our kernels for a backend, our gradients, and the gradients of stock kernels. May be called again.
 * tfjs' fused matMul is removed: its WASM version is wrong for transposed operands with a bias.
 */
export function registerKernels(backendName: KernelBackendName): void {
  if (registered.has(backendName)) return;
  registered.add(backendName);
  registerCoreGradients();
  for (const config of gradients) {
    if (tf.getGradient(config.kernelName)) tf.unregisterGradient(config.kernelName);
    tf.registerGradient(config);
  }
  for (const spec of specs) registerKernelSpec(spec, backendName);
  if (tf.getKernel('_FusedMatMul', backendName)) tf.unregisterKernel('_FusedMatMul', backendName);
}
