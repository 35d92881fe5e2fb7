/**
 * Real training steps on a loaded LM with the longest rows of the data, to know time and memory before a run; and smaller settings where those
 * asked for do not fit. Leaves nothing behind. Not for the estimate itself (config/fit.ts).
 */
import { EngineError } from '../base/errors.ts';
import { type DeviceLimits, estimateFit, type FitReport, type FitRequest, formatBytes } from '../config/fit.ts';
import { frozenBytes } from '../config/fitBytes.ts';
import type { TrainConfig } from '../config/train.ts';
import type { EncodedRow, EncodedTrainingData } from '../data/encodeTrainingData.ts';
import type { OpenedBackend } from '../device/openedBackend.ts';
import type { LanguageModel } from '../lm/params.ts';
import type { StepMeasurement } from '../protocol/views.ts';
import { openTrainer, type TrainInput } from '../train/trainer.ts';

/** Steps go on for so long, unless one alone takes longer. */
const BUDGET_MS = 10_000;
const MOST_STEPS = 4;

export interface MeasureInput {
  /** Borrowed; never changed. */
  base: LanguageModel;
  /** Makes what is trained: a copy or an adapter, owned by the caller of this function. */
  openTrained(): Promise<LanguageModel>;
  rows: EncodedTrainingData;
  config: TrainConfig;
  backend: Pick<OpenedBackend, 'canAllocate' | 'watchPeakBytes' | 'trimPool' | 'memory' | 'assertHealthy'>;
  /** Of the device, with what is in use besides the base LM taken off. */
  limits: DeviceLimits;
  now(): number;
  signal?: AbortSignal;
  onCompile?: TrainInput['onCompile'];
  /** Told what is being tried. */
  onTry?(config: TrainConfig): void;
}

function longest(rows: readonly EncodedRow[], count: number): EncodedRow[] {
  return [...rows].sort((a, b) => b.tokenIds.length - a.tokenIds.length).slice(0, count);
}

/** The rows of the heaviest micro-batch there can be. */
export function longestRows(rows: EncodedTrainingData, { benignPerStep, unsafePerStep }: Pick<TrainConfig, 'benignPerStep' | 'unsafePerStep'>): EncodedTrainingData {
  return { everyday: longest(rows.everyday, benignPerStep), borderline: longest(rows.borderline, benignPerStep), unsafe: longest(rows.unsafe, unsafePerStep) };
}

/** Longest row of all, tokens: what maxLength really comes to. */
const longestLength = (rows: EncodedTrainingData): number => [...rows.everyday, ...rows.borderline, ...rows.unsafe].reduce((longestSoFar, { tokenIds }) => Math.max(longestSoFar, tokenIds.length), 8);

const rowsPerStep = ({ benignPerStep, unsafePerStep, gradientAccumulationSteps }: TrainConfig): number => (benignPerStep + unsafePerStep) * gradientAccumulationSteps;

/** The next smaller settings and what they are called: half the rows and twice the accumulation, then checkpointing; null at the end. */
export function reduceOnce(config: TrainConfig): { config: TrainConfig; change: string } | null {
  const { benignPerStep, unsafePerStep, gradientAccumulationSteps } = config;
  if (Math.max(benignPerStep, unsafePerStep) > 1) {
    const smaller = { ...config, benignPerStep: Math.ceil(benignPerStep / 2), unsafePerStep: Math.ceil(unsafePerStep / 2), gradientAccumulationSteps: 2 * gradientAccumulationSteps };
    const before = rowsPerStep(config);
    const after = rowsPerStep(smaller);
    const effect = after === before ? `a step still has ${before} rows` : `a step has ${after} rows instead of ${before}`;
    const micro = `${smaller.benignPerStep} + ${smaller.unsafePerStep} rows a micro-batch instead of ${benignPerStep} + ${unsafePerStep}`;
    return { config: smaller, change: `${micro}, accumulated ${smaller.gradientAccumulationSteps} times: ${effect}` };
  }
  if (!config.gradientCheckpointing) return { config: { ...config, gradientCheckpointing: true }, change: 'gradient checkpointing: less memory, about a third more time a step' };
  return null;
}

function requestFor({ base, rows, limits }: MeasureInput, config: TrainConfig): FitRequest {
  const training = { ...config, maxLength: Math.min(config.maxLength, longestLength(rows)) };
  return { config: base.config, storage: base.storage, limits, training, method: config.trainingMethod, decodingRows: 0 };
}

/** What the base LM holds already is in the estimate too. */
const bytesToCome = ({ bytes }: FitReport, baseBytes: number): number => Math.max(0, bytes.total - baseBytes);

/** One trial. @throws EngineError, also out-of-memory; everything it made is gone then too */
async function tryStep(input: MeasureInput, config: TrainConfig): Promise<Omit<StepMeasurement, 'config' | 'changes' | 'room'>> {
  const { base, backend, now, signal } = input;
  const rows = longestRows(input.rows, config);
  const peakBytes = backend.watchPeakBytes();
  let lm: LanguageModel | null = null;
  let gpuBytes: number | null = null;
  try {
    lm = await input.openTrained();
    // Micro-batches of one step are alike: one is measured, and counts as often as it is accumulated.
    const micro = { ...config, gradientAccumulationSteps: 1, maxSteps: MOST_STEPS };
    const trainer = await openTrainer({ lm, base, rows, config: micro, ...(signal ? { signal } : {}), ...(input.onCompile ? { onCompile: input.onCompile } : {}) });
    const times: number[] = [];
    let tokens = 0;
    try {
      const beganMs = now();
      while (!trainer.finished) {
        const startedMs = now();
        const metrics = await trainer.nextStep(signal);
        if (!metrics) throw new EngineError('cancelled', 'Measuring was cancelled.');
        await backend.assertHealthy();
        times.push(now() - startedMs);
        tokens = metrics.tokens;
        if (now() - beganMs + Math.min(...times) > BUDGET_MS) break;
      }
      gpuBytes = backend.memory().gpuBytes;
    } finally {
      trainer.dispose();
    }
    // The first step warms up; where it alone took the time there was, it counts.
    const msPerMicroBatch = Math.min(...(times.length > 1 ? times.slice(1) : times));
    return { msPerStep: msPerMicroBatch * config.gradientAccumulationSteps, tokensPerSecond: (1000 * tokens) / msPerMicroBatch, peakBytes: peakBytes(), gpuBytes };
  } finally {
    peakBytes();
    lm?.dispose();
    backend.trimPool();
  }
}

/** How many rows a micro-batch could have by the estimate, asked settings being the least. */
function roomFor(input: MeasureInput, config: TrainConfig): string | null {
  let largest: TrainConfig | null = null;
  for (let next = config; rowsPerStep(next) <= 256; ) {
    next = { ...next, benignPerStep: 2 * next.benignPerStep, unsafePerStep: 2 * next.unsafePerStep };
    if (next.benignPerStep + next.unsafePerStep > 256 || estimateFit(requestFor(input, next)).verdict !== 'fits') break;
    largest = next;
  }
  return largest && `Fits with room: by the estimate, micro-batches of up to ${largest.benignPerStep} + ${largest.unsafePerStep} rows would fit too.`;
}

/**
 * Takes a few steps of the settings, or of smaller ones where the estimate, the device or a real shortage say that they do not fit.
 * @throws EngineError out-of-memory with what would help if nothing fits; what the trainer throws; cancelled
 */
export async function measureStep(input: MeasureInput): Promise<StepMeasurement> {
  const changes: string[] = [];
  const baseBytes = frozenBytes(input.base.config, input.base.storage);
  let { config } = input;
  for (;;) {
    input.signal?.throwIfAborted();
    input.onTry?.(config);
    const estimate = estimateFit(requestFor(input, config));
    let why: string | null = estimate.verdict === 'fits' ? null : (estimate.reasons[0] ?? 'The estimate says so.');
    const smaller = reduceOnce(config);
    // Tight settings are worth a try where there are no smaller ones.
    if (estimate.verdict === 'tight' && !smaller) why = null;
    if (why === null && !(await input.backend.canAllocate(bytesToCome(estimate, baseBytes)))) why = `The device refuses ${formatBytes(bytesToCome(estimate, baseBytes))}.`;
    if (why === null) {
      try {
        const measured = await tryStep(input, config);
        return { ...measured, config, changes, room: changes.length > 0 ? null : roomFor(input, config) };
      } catch (thrown) {
        if (!(thrown instanceof EngineError && thrown.code === 'out-of-memory')) throw thrown;
        why = thrown.message;
      }
    }
    if (!smaller) {
      const advice = estimate.reasons.slice(1).join(' ') || (config.trainingMethod === 'full' ? 'Train a LoRA adapter, or take a smaller model.' : 'Take a smaller model, or shorter rows.');
      throw new EngineError('out-of-memory', `Training does not fit, even with the smallest micro-batches and gradient checkpointing. ${why} ${advice}`);
    }
    changes.push(`${why} Changed to ${smaller.change}.`);
    config = smaller.config;
  }
}
