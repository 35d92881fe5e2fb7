/**
 * One real training step of a tiny LM on the opened backend, compared with the known result: a backend that computes wrongly,
 * drops work or is unbearably slow shows here, before a person's run. Not a benchmark.
 */
import { EngineError } from '../base/errors.ts';
import { Rng } from '../base/rng.ts';
import { parseLmConfig } from '../config/lm.ts';
import { parameterShapes } from '../config/lmParameters.ts';
import { parseTrainConfig } from '../config/train.ts';
import type { EncodedRow, EncodedTrainingData } from '../data/encodeTrainingData.ts';
import type { OpenedBackend } from '../device/openDevice.ts';
import { createLm, readParams } from '../lm/params.ts';
import { openTrainer, type TrainInput } from '../train/trainer.ts';

const CONFIG = parseLmConfig({
  model_type: 'llama',
  vocab_size: 67,
  hidden_size: 24,
  intermediate_size: 40,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  head_dim: 6,
  max_position_embeddings: 32,
  rms_norm_eps: 1e-5,
  eos_token_id: 1,
  pad_token_id: 0,
});

/** Told while the GPU programs of the step are compiled. */
type OnCompile = NonNullable<TrainInput['onCompile']>;

/** Two steps, so that the second loss sees what the optimizer did in the first. */
const STEPS = 2;

/** What the step gives: losses and gradient norm of both steps, and the sum of squares of all weights afterwards. */
export interface PreflightNumbers {
  losses: number[];
  gradNorms: number[];
  weightSquares: number;
}

/** Computed by the plain-arithmetic twins; a test holds every backend to it. */
export const EXPECTED: PreflightNumbers = { losses: [5.097373, 5.185963], gradNorms: [7.787727, 10.11033], weightSquares: 1248.072 };

/** Relative. Float32 sums in another order differ by about 1e-6; a wrong kernel by far more than this. */
const TOLERANCE = 2e-3;

function randomWeights(): Map<string, { shape: number[]; data: Float32Array }> {
  const rng = new Rng(20250101);
  return new Map(
    [...parameterShapes(CONFIG)].map(([name, shape]) => {
      const stream = rng.fork(name);
      const size = shape.reduce((product, n) => product * n, 1);
      const scale = shape.length === 1 ? 0.1 : 0.3;
      const data = Float32Array.from({ length: size }, () => (shape.length === 1 ? 1 : 0) + scale * stream.normal());
      return [name, { shape, data }];
    }),
  );
}

function randomRows(): EncodedTrainingData {
  const rng = new Rng(7);
  const row = (length: number, promptLength: number): EncodedRow => ({ tokenIds: Int32Array.from({ length }, () => 2 + rng.int(CONFIG.vocabSize - 2)), promptLength });
  return { unsafe: [row(13, 5), row(9, 4), row(17, 6)], everyday: [row(11, 4), row(15, 7)], borderline: [row(10, 3), row(12, 5)] };
}

/**
 * Runs the step. @returns the numbers it gave, whatever they are
 * @throws EngineError what the backend reported
 */
export async function runPreflightStep(backend: OpenedBackend, onCompile?: OnCompile): Promise<PreflightNumbers> {
  const weights = randomWeights();
  const base = createLm(CONFIG, weights);
  const lm = createLm(CONFIG, weights);
  // Every setting that the numbers depend on is named: other defaults must not change what is expected.
  const config = parseTrainConfig({
    seed: 1, maxSteps: STEPS, learningRate: 1e-2, warmupSteps: 0, lrSchedulerType: 'constant', maxGradNorm: 1, weightDecay: 0, adamBeta1: 0.9, adamBeta2: 0.999, adamEpsilon: 1e-8,
    gradientAccumulationSteps: 1, benignPerStep: 2, borderlineShare: 0.5, unsafePerStep: 2, unsafeSamples: 40, semanticLambda: 0.3, emdObjective: 'emd_exact',
    prefixWeighting: 'importance', importanceLogClamp: 0.3, klBeta: 0.1, emdCostEmbedding: 'head', maxLength: 128,
  });
  try {
    const trainer = await openTrainer({ lm, base, rows: randomRows(), config, ...(onCompile ? { onCompile } : {}) });
    const losses: number[] = [];
    const gradNorms: number[] = [];
    try {
      while (!trainer.finished) {
        const metrics = await trainer.nextStep();
        if (!metrics) throw new EngineError('internal', 'The preflight step was interrupted.');
        losses.push(metrics.lossTotal);
        gradNorms.push(metrics.gradNorm);
      }
    } finally {
      trainer.dispose();
    }
    let weightSquares = 0;
    for (const { data } of (await readParams(lm)).values()) for (const value of data) weightSquares += value * value;
    await backend.assertHealthy();
    return { losses, gradNorms, weightSquares };
  } finally {
    lm.dispose();
    base.dispose();
  }
}

/** What is wrong with the numbers, or null. */
export function differenceFrom(expected: PreflightNumbers, measured: PreflightNumbers): string | null {
  const flat = ({ losses, gradNorms, weightSquares }: PreflightNumbers): [string, number][] => [
    ...losses.map((value, i): [string, number] => [`loss of step ${i + 1}`, value]),
    ...gradNorms.map((value, i): [string, number] => [`gradient norm of step ${i + 1}`, value]),
    ['weights after it', weightSquares],
  ];
  const got = flat(measured);
  for (const [i, [what, value]] of flat(expected).entries()) {
    const is = got[i]?.[1] ?? Number.NaN;
    if (!(Math.abs(is - value) <= TOLERANCE * Math.max(1e-3, Math.abs(value)))) return `${what}: ${is.toPrecision(6)} instead of ${value.toPrecision(6)}`;
  }
  return null;
}

/**
 * @returns how long the step took, ms, warm-up included
 * @throws EngineError gpu-error with the reason if the result is not the known one
 */
export async function runPreflight(backend: OpenedBackend, now: () => number, onCompile?: OnCompile): Promise<number> {
  const startedMs = now();
  const difference = differenceFrom(EXPECTED, await runPreflightStep(backend, onCompile));
  if (difference !== null) throw new EngineError('gpu-error', `A test training step gave wrong numbers (${difference}).`);
  return now() - startedMs;
}
