/** Reads the PyTorch reference values of the training objective (tools/reference/train_reference.py). */
import { readFileSync } from 'node:fs';
import { parseLmConfig, type LmConfig } from '../config/lm.ts';
import type { TrainConfig } from '../config/train.ts';
import type { EncodedTrainingData } from '../data/encodeTrainingData.ts';

export interface Packed {
  shape: number[];
  data: Float32Array;
}
type Named = Map<string, Packed>;
export type ReferenceTerms = Record<'lossTotal' | 'lossBenign' | 'lossSemantic' | 'lossKl' | 'meanDistance' | 'meanWeight', number>;

export interface TrainReference {
  config: LmConfig;
  base: Named;
  tuned: Named;
  rows: EncodedTrainingData;
  cases: { settings: Partial<TrainConfig>; terms: ReferenceTerms; gradients: Named }[];
  run: { config: Partial<TrainConfig>; steps: (ReferenceTerms & { gradNorm: number; learningRate: number })[]; final: Named };
  adamW: {
    initial: Packed[];
    gradients: Packed[][];
    after: Packed[][];
    gradNorms: number[];
    learningRate: number;
    weightDecay: number;
    adamBeta1: number;
    adamBeta2: number;
    adamEpsilon: number;
    maxGradNorm: number;
  };
}

interface RawPacked {
  shape: number[];
  data: string;
}

/** The whole file; it is our own, so its shape is trusted. */
export function loadTrainReference(): TrainReference {
  const raw = JSON.parse(readFileSync(new URL('./reference/train.json', import.meta.url), 'utf8'), (_key, value: unknown) => {
    const packed = value as RawPacked | null;
    if (typeof packed?.data !== 'string' || !Array.isArray(packed.shape)) return value;
    const bytes = Uint8Array.from(Buffer.from(packed.data, 'base64'));
    return { shape: packed.shape, data: new Float32Array(bytes.buffer) };
  }) as Record<string, never>;
  const named = (values: Record<string, Packed>): Named => new Map(Object.entries(values));
  const { cases, run, rows } = raw as unknown as { cases: never[]; run: { config: Partial<TrainConfig>; steps: never[]; final: Record<string, Packed> }; rows: Record<string, { tokenIds: number[]; promptLength: number }[]> };
  const encode = (set: string) => rows[set]!.map(({ tokenIds, promptLength }) => ({ tokenIds: Int32Array.from(tokenIds), promptLength }));
  return {
    config: parseLmConfig(raw.config),
    base: named(raw.base!),
    tuned: named(raw.tuned!),
    rows: { everyday: encode('everyday'), borderline: encode('borderline'), unsafe: encode('unsafe') },
    cases: cases.map((c: { settings: Partial<TrainConfig>; terms: ReferenceTerms; gradients: Record<string, Packed> }) => ({ ...c, gradients: named(c.gradients) })),
    run: { ...run, final: named(run.final) },
    adamW: raw.adamW!,
  };
}
