/** A small random training objective in double precision, for tests of loss values and gradients. */
import { Rng } from '../base/rng.ts';
import { defaultTrainConfig, type TrainConfig } from '../config/train.ts';
import { normalizeRows, softmaxRows } from '../loss/semanticDistance.cpu.ts';
import type { SemanticLossArrays } from '../loss/semanticLoss.cpu.ts';

/** Every combination of distance, weighting and anchor. */
export const everySetting: Pick<TrainConfig, 'semanticLambda' | 'emdObjective' | 'prefixWeighting' | 'importanceLogClamp' | 'klBeta'>[] = (
  ['emd_exact', 'emd_lower_bound'] as const
).flatMap((emdObjective) =>
  (['none', 'stop_gradient', 'importance'] as const).flatMap((prefixWeighting) =>
    [0, 0.3].map((klBeta) => ({ semanticLambda: 0.7, emdObjective, prefixWeighting, klBeta, importanceLogClamp: defaultTrainConfig.importanceLogClamp })),
  ),
);

/** Five benign tokens and three unsafe rows of 4, 1 and 3 tokens over a vocabulary of 9; the tuned LM differs a little from the base. */
export function randomObjective(seed: number): SemanticLossArrays {
  const rng = new Rng(seed);
  const V = 9;
  const D = 4;
  const normals = (length: number, scale: number) => Float64Array.from({ length }, () => Math.fround(rng.normal() * scale));
  const labels = (length: number) => Int32Array.from({ length }, () => rng.int(V));
  const rowOffsets = Int32Array.of(0, 4, 5, 8);
  const baseLogits = normals(8 * V, 1.5);
  const noise = normals(8 * V, 0.4);
  const unsafeLogits = baseLogits.map((z, i) => Math.fround(z + noise[i]!));
  const unsafeLabels = labels(8);
  const base = softmaxRows(baseLogits, 8, V);
  const costEmbedding = normals(V * D, 1).map((v, i) => v + [0.8, -0.4, 0, 0.2][i % D]!);
  costEmbedding.fill(0, 0, D); // a token without an embedding
  return {
    V,
    D,
    benignLogits: normals(5 * V, 1.5),
    benignLabels: labels(5),
    unsafeLogits,
    unsafeLabels,
    rowOffsets,
    baseLogProbs: Float64Array.from(unsafeLabels, (y, t) => Math.log(base[t * V + y]!)),
    baseLogits,
    costEmbedding: normalizeRows(costEmbedding, V, D),
  };
}
