/**
 * The whole training objective and its gradient with respect to the logits, in plain arithmetic: the reference that
 * the tensor version is checked against, itself checked by central differences in double precision. See
 * semanticLoss.ts for the formulas. Not for training.
 */
import type { TrainConfig } from '../config/train.ts';
import { prefixWeightsCpu, prefixWeightsGradCpu } from './prefixWeights.cpu.ts';
import { semanticDistanceCpu, semanticDistanceGradCpu, softmaxRows } from './semanticDistance.cpu.ts';

export interface SemanticLossArrays {
  V: number;
  D: number;
  /** [Nb, V] and [Nb] */
  benignLogits: Float64Array;
  benignLabels: Int32Array;
  /** [Nu, V] and [Nu] */
  unsafeLogits: Float64Array;
  unsafeLabels: Int32Array;
  rowOffsets: Int32Array;
  /** [Nu] log probability of the label under the base LM. */
  baseLogProbs: Float64Array;
  /** [Nu, V] */
  baseLogits: Float64Array;
  /** [V, D] unit rows */
  costEmbedding: Float64Array;
}

export interface SemanticLossValues {
  total: number;
  benign: number;
  semantic: number;
  kl: number;
  meanDistance: number;
  meanWeight: number;
  benignGradient: Float64Array;
  unsafeGradient: Float64Array;
  /** The weights that the gradient treats as constants: of the distance (stop_gradient) and of the KL anchor. */
  frozen: { distanceWeights: Float64Array; klWeights: Float64Array };
}

type Settings = Pick<TrainConfig, 'semanticLambda' | 'emdObjective' | 'prefixWeighting' | 'importanceLogClamp' | 'klBeta'>;

const sum = (values: Float64Array): number => values.reduce((s, v) => s + v, 0);

/**
 * @param frozen weights to use in place of those that the gradient treats as constants, for central differences
 */
export function semanticLossCpu(arrays: SemanticLossArrays, settings: Settings, frozen?: SemanticLossValues['frozen']): SemanticLossValues {
  const { V, D, benignLabels, unsafeLabels, rowOffsets, costEmbedding } = arrays;
  const { semanticLambda: lambda, emdObjective, prefixWeighting, importanceLogClamp, klBeta } = settings;
  const Nb = benignLabels.length;
  const n = unsafeLabels.length;

  const benignProbs = softmaxRows(arrays.benignLogits, Nb, V);
  const benignGradient = benignProbs.map((p, i) => (p - (benignLabels[Math.floor(i / V)] === i % V ? 1 : 0)) / Nb);
  const benign = Nb === 0 ? 0 : sum(Float64Array.from(benignLabels, (y, t) => -Math.log(benignProbs[t * V + y]!))) / Nb;

  const shape = { N: n, V, D };
  const probs = softmaxRows(arrays.unsafeLogits, n, V);
  const base = softmaxRows(arrays.baseLogits, n, V);
  const logProbs = Float64Array.from(unsafeLabels, (y, t) => Math.log(probs[t * V + y]!));
  const distance = semanticDistanceCpu(arrays.unsafeLogits, unsafeLabels, costEmbedding, shape, emdObjective);

  const importance = prefixWeighting === 'importance';
  const ratios = importance ? logProbs.map((l, t) => l - arrays.baseLogProbs[t]!) : logProbs;
  const clamp = importance ? importanceLogClamp : 0;
  const weights = new Float64Array(n).fill(1);
  if (prefixWeighting !== 'none') prefixWeightsCpu(ratios, rowOffsets, clamp, weights);
  const distanceWeights = frozen && prefixWeighting === 'stop_gradient' ? frozen.distanceWeights : weights;
  const klWeights = frozen?.klWeights ?? weights.map((w) => Math.min(1, w));

  const semantic = (lambda / n) * sum(distance.map((d, t) => distanceWeights[t]! * (importance ? 1 - d : -d)));
  const perTokenKl = new Float64Array(n);
  for (let i = 0; i < n * V; i++) if (probs[i]! > 0) perTokenKl[Math.floor(i / V)]! += probs[i]! * Math.log(probs[i]! / base[i]!);
  const kl = ((lambda * klBeta) / n) * sum(perTokenKl.map((k, t) => k * klWeights[t]!));

  const dDistance = distanceWeights.map((w) => (-lambda * w) / n);
  const unsafeGradient = semanticDistanceGradCpu(dDistance, arrays.unsafeLogits, unsafeLabels, costEmbedding, shape, emdObjective);
  const dLogProb = new Float64Array(n);
  if (importance) prefixWeightsGradCpu(distance.map((d) => (lambda / n) * (1 - d)), ratios, rowOffsets, clamp, dLogProb);
  for (let t = 0; t < n; t++)
    for (let k = 0; k < V; k++) {
      const i = t * V + k;
      unsafeGradient[i]! += dLogProb[t]! * ((k === unsafeLabels[t] ? 1 : 0) - probs[i]!);
      if (probs[i]! > 0) unsafeGradient[i]! += ((lambda * klBeta) / n) * klWeights[t]! * probs[i]! * (Math.log(probs[i]! / base[i]!) - perTokenKl[t]!);
    }
  return {
    total: benign + semantic + kl,
    benign,
    semantic,
    kl,
    meanDistance: sum(distance) / n,
    meanWeight: sum(weights) / n,
    benignGradient,
    unsafeGradient,
    frozen: { distanceWeights: weights.slice(), klWeights: klWeights.slice() },
  };
}
