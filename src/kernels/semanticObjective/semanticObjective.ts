/**
 * The training objective over token scores as one kernel: nothing is read back between head loss and its gradients. Called by
 * loss/semanticLoss.ts, where the formulas stand.
 */
import type * as tf from '@tensorflow/tfjs-core';
import { type Attributes, type HostTensor, type KernelSpec, type KernelTensor, runKernel } from '../kernelSpec.ts';
import { layOutSlices, type Slice } from '../slice.ts';
import { clampOf, type ObjectiveSettings, type PrefixWeighting, semanticObjectiveCpu } from './semanticObjective.cpu.ts';
import { semanticObjectiveWgsl } from './semanticObjective.webgpu.ts';

/** total, benign, semantic, kl, mean distance, mean weight. */
const termCount = 6;

type Input = 'benign' | 'logProbs' | 'distance' | 'kl' | 'baseLogProbs' | 'rowOffsets';

/** Where the gradients of benign log probabilities (at 0), unsafe log probabilities, distances and KL lie. */
function layOut(inputs: Partial<Record<Input, { shape: number[] }>>): { logProbsAt: number; distanceAt: number; klAt: number; size: number } {
  const { offsets, size } = layOutSlices([inputs.benign, inputs.logProbs, inputs.distance, inputs.kl].map((input) => input?.shape ?? [0]));
  return { logProbsAt: offsets[1]!, distanceAt: offsets[2]!, klAt: offsets[3]!, size };
}

const spec: KernelSpec<Input> = {
  name: 'SidestepSemanticObjective',
  outputs: (inputs: Partial<Record<Input, KernelTensor>>) => [
    { shape: [layOut(inputs).size], dtype: 'float32' },
    { shape: [termCount], dtype: 'float32' },
  ],
  host: (inputs: Partial<Record<Input, HostTensor>>, attributes, [gradients, terms]) => {
    const { benign, logProbs, distance, kl, baseLogProbs, rowOffsets } = inputs;
    const { logProbsAt, distanceAt, klAt } = layOut(inputs);
    const part = (like: HostTensor | undefined, at: number) => (like ? gradients!.f32.subarray(at, at + like.shape[0]!) : null);
    const settings: ObjectiveSettings = {
      semanticLambda: attributes.lambda as number,
      prefixWeighting: attributes.weighting as PrefixWeighting,
      importanceLogClamp: attributes.clamp as number,
      klBeta: attributes.klBeta as number,
    };
    semanticObjectiveCpu(
      benign?.f32 ?? null,
      logProbs ? { logProbs: logProbs.f32, distance: distance!.f32, kl: kl?.f32 ?? null, baseLogProbs: baseLogProbs!.f32, rowOffsets: rowOffsets!.i32 } : null,
      settings,
      { benign: part(benign, 0), logProbs: part(logProbs, logProbsAt), distance: part(distance, distanceAt), kl: part(kl, klAt) },
      terms!.f32,
    );
  },
  webgpu: (inputs: Partial<Record<Input, KernelTensor>>, attributes, outputs) => semanticObjectiveWgsl(inputs, { ...attributes, ...layOut(inputs) }, outputs),
};

/** The kernels of this folder, for registration. */
export const semanticObjectiveSpecs: KernelSpec[] = [spec];

/**
 * @param scores [N] float32 each (rowOffsets [rows + 1] int32), borrowed; benign alone, or logProbs, distance, baseLogProbs and rowOffsets, or all
 * @returns      gradients as slices of one tensor and the terms [6]; both owned by the caller
 */
export function objectiveOf(
  scores: Partial<Record<Input, tf.Tensor>>,
  settings: ObjectiveSettings,
): { gradients: tf.Tensor; terms: tf.Tensor1D; slices: Partial<Record<'benign' | 'logProbs' | 'distance' | 'kl', Slice>> } {
  const given = Object.fromEntries(Object.entries(scores).filter(([, tensor]) => tensor)) as Record<Input, tf.Tensor>;
  const attributes: Attributes = { lambda: settings.semanticLambda, klBeta: settings.klBeta, weighting: settings.prefixWeighting, clamp: clampOf(settings) };
  const [gradients, terms] = runKernel(spec.name, given, attributes) as [tf.Tensor, tf.Tensor1D];
  const { logProbsAt, distanceAt, klAt } = layOut(given);
  const slice = (like: tf.Tensor | undefined, offset: number): Slice | undefined => like && { slab: gradients, offset, shape: like.shape };
  const slices = Object.fromEntries(
    Object.entries({
      benign: slice(scores.benign, 0),
      logProbs: slice(scores.logProbs, logProbsAt),
      distance: slice(scores.distance, distanceAt),
      kl: slice(scores.kl, klAt),
    }).filter(([, found]) => found),
  );
  return { gradients, terms, slices };
}
