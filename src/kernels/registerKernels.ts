/** Registers every kernel of ours with tfjs. The one list of them. */
import * as tf from '@tensorflow/tfjs-core';
import { adamWSpecs } from './adamW/adamW.ts';
import { attentionFusedSpecs } from './attention/attentionFused.ts';
import { cachedAttentionSpecs } from './attention/cachedAttention.ts';
import { columnSumsSpec } from './columnSums/columnSums.ts';
import { registerCoreGradients } from './coreGradients.ts';
import { embeddingSpecs } from './embedding/embedding.ts';
import { geluSpecs } from './gelu/gelu.ts';
import { headLossSpecs } from './headLoss/rowKernels.ts';
import { type KernelBackendName, type KernelSpec, registerKernelSpec } from './kernelSpec.ts';
import { appendKvSpecs } from './kvCache/appendKv.ts';
import { layerNormSpecs } from './layerNorm/layerNorm.ts';
import { addMatMulSpec, matMul2dSpec } from './matMul/linear.ts';
import { batchMatMulSpec } from './matMul/matMul.ts';
import { rmsNormSpecs } from './rmsNorm/rmsNorm.ts';
import { ropeSpecs } from './rope/rope.ts';
import { samplingSpecs } from './sampling/sampling.ts';
import { semanticObjectiveSpecs } from './semanticObjective/semanticObjective.ts';
import { clipScaleSpecs } from './clipScale/clipScale.ts';
import { swiGluSpecs } from './swiGlu/swiGlu.ts';

const specs: KernelSpec[] = [
  ...embeddingSpecs,
  ...rmsNormSpecs,
  ...layerNormSpecs,
  ...ropeSpecs,
  ...attentionFusedSpecs,
  ...cachedAttentionSpecs,
  ...swiGluSpecs,
  ...geluSpecs,
  ...appendKvSpecs,
  ...samplingSpecs,
  ...adamWSpecs,
  ...clipScaleSpecs,
  ...headLossSpecs,
  ...semanticObjectiveSpecs,
  matMul2dSpec,
  addMatMulSpec,
  columnSumsSpec,
  batchMatMulSpec,
];

/**
 * tfjs clones every tensor that a gradient needs; on WASM each clone is a copy of the values (270 copies in a training step). Share the
 * storage instead, as tfjs does on WebGPU; kernels that write in place refuse shared storage.
 */
function shareIdentity(): void {
  tf.unregisterKernel('Identity', 'wasm');
  tf.registerKernel({
    kernelName: 'Identity',
    backendName: 'wasm',
    kernelFunc: ({ inputs, backend }) => {
      const { x } = inputs as { x: tf.TensorInfo };
      (backend as tf.KernelBackend).incRef(x.dataId);
      return { dataId: x.dataId, shape: x.shape, dtype: x.dtype };
    },
  });
}

const registered = new Set<KernelBackendName>();

/**
 * Registers our kernels for a backend, and the gradients of stock kernels. Call it after the backend was opened (its own
 * kernels are registered when it is first opened); may be called again.
 * tfjs' fused matMul is removed: its WASM version is wrong for transposed operands with a bias.
 */
export function registerKernels(backendName: KernelBackendName): void {
  if (registered.has(backendName)) return;
  registered.add(backendName);
  registerCoreGradients();
  for (const spec of specs) registerKernelSpec(spec, backendName);
  if (backendName === 'wasm') shareIdentity();
  if (tf.getKernel('_FusedMatMul', backendName)) tf.unregisterKernel('_FusedMatMul', backendName);
}
