/** Registers every kernel of ours with tfjs. The one list of them. */
import * as tf from '@tensorflow/tfjs-core';
import { adamWSpecs } from './adamW/adamW.ts';
import { attentionFusedSpecs } from './attention/attentionFused.ts';
import { cachedAttentionSpecs } from './attention/cachedAttention.ts';
import { columnsSpecs } from './columns/columns.ts';
import { columnSumsSpec } from './columnSums/columnSums.ts';
import { dropoutSpec } from './dropout/dropout.ts';
import { embeddingSpecs } from './embedding/embedding.ts';
import { gatedActivationSpecs } from './gatedActivation/gatedActivation.ts';
import { geluSpecs } from './gelu/gelu.ts';
import { headNormSpecs } from './headNorm/headNorm.ts';
import { headLossSpecs } from './headLoss/rowKernels.ts';
import { type KernelBackendName, type KernelSpec, registerKernelSpec } from './kernelSpec.ts';
import { appendKvSpecs } from './kvCache/appendKv.ts';
import { layerNormSpecs } from './layerNorm/layerNorm.ts';
import { addMatMulSpec, matMul2dSpec } from './matMul/linear.ts';
import { rmsNormSpecs } from './rmsNorm/rmsNorm.ts';
import { ropeSpecs } from './rope/rope.ts';
import { samplingSpecs } from './sampling/sampling.ts';
import { semanticObjectiveSpecs } from './semanticObjective/semanticObjective.ts';
import { clipScaleSpecs } from './clipScale/clipScale.ts';

const specs: KernelSpec[] = [
  ...embeddingSpecs,
  ...rmsNormSpecs,
  ...layerNormSpecs,
  ...ropeSpecs,
  ...attentionFusedSpecs,
  ...cachedAttentionSpecs,
  ...gatedActivationSpecs,
  ...geluSpecs,
  ...appendKvSpecs,
  ...samplingSpecs,
  ...adamWSpecs,
  ...clipScaleSpecs,
  ...headLossSpecs,
  ...headNormSpecs,
  ...semanticObjectiveSpecs,
  matMul2dSpec,
  addMatMulSpec,
  columnSumsSpec,
  ...columnsSpecs,
  dropoutSpec,
];

const registered = new Set<KernelBackendName>();

/**
 * Registers our kernels for a backend. Call it after the backend was opened; may be called again.
 * tfjs' fused matMul is removed: its WASM version is wrong for transposed operands with a bias. Its plain one stays as it is, wrong on WebGPU
 * for a transposed B with a long inner axis: the engine multiplies with matMul/linear.ts only.
 */
export function registerKernels(backendName: KernelBackendName): void {
  if (registered.has(backendName)) return;
  registered.add(backendName);
  for (const spec of specs) registerKernelSpec(spec, backendName);
  if (tf.getKernel('_FusedMatMul', backendName)) tf.unregisterKernel('_FusedMatMul', backendName);
}
