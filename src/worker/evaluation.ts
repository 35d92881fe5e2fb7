/** Measures weights with the engine's own generation and scoring; measures the coherence threshold once for each set of prompts. */
import type { EvaluationConfig } from '../config/evaluation.ts';
import { calibrateCoherence, type CoherenceCalibration, type PhaseProgress } from '../evaluate/coherence.ts';
import { evaluate } from '../evaluate/evaluate.ts';
import type { LmPorts } from '../evaluate/lmPorts.ts';
import { selectPrompts } from '../evaluate/selectPrompts.ts';
import { generate } from '../generate/generate.ts';
import type { LanguageModel } from '../lm/params.ts';
import { tokenNll } from '../lm/scoring.ts';
import type { HumanLabels } from '../protocol/jobs.ts';
import type { EvaluationReport } from '../records/evaluation.ts';
import type { JudgeLexicon } from '../records/judgeLexicon.ts';
import type { Prompt } from '../records/prompt.ts';
import { type EngineState, requireBackend, requireModel } from './engineState.ts';
import type { JobControl } from './jobRunner.ts';
import { sha256OfJson } from './sha256.ts';

const PORTS: LmPorts<LanguageModel> = { generate, tokenNll };

export interface EvaluationInput {
  /** Borrowed. */
  lm: LanguageModel;
  fingerprint: string;
  prompts: Prompt[];
  split: EvaluationReport['split'];
  config: EvaluationConfig;
  lexicon: JudgeLexicon | null;
  humanLabels: HumanLabels;
  onProgress(progress: PhaseProgress): void;
}

/** Runs a generator of progress to its end; lets commands in on the way. */
async function follow<R>(steps: AsyncGenerator<PhaseProgress, R>, control: JobControl, onProgress: (progress: PhaseProgress) => void): Promise<R> {
  for (let step = await steps.next(); ; step = await steps.next()) {
    if (step.done) return step.value;
    onProgress(step.value);
    await control.turn();
  }
}

/** The threshold depends on the base LM, the prompts and the settings alone, so it is measured once for them. */
async function coherenceOf(state: EngineState, control: JobControl, { prompts, config, onProgress }: EvaluationInput): Promise<CoherenceCalibration> {
  const { base, tokenizer, coherence } = requireModel(state);
  const selected = selectPrompts(prompts, config.promptsPerSet, config.seed);
  const key = await sha256OfJson([config, selected.map(({ set, text }) => [set, text])]);
  const known = coherence.get(key);
  if (known) return known;
  const measured = await follow(calibrateCoherence({ base, tokenizer, prompts: selected, config, signal: control.signal }, PORTS), control, onProgress);
  coherence.set(key, measured);
  return measured;
}

/** @throws EngineError cancelled, or what the backend reports: then there is no report */
export async function runEvaluation(state: EngineState, control: JobControl, input: EvaluationInput): Promise<EvaluationReport> {
  const { base, tokenizer } = requireModel(state);
  const { backend } = requireBackend(state);
  const { lm, fingerprint, prompts, split, config, lexicon, humanLabels, onProgress } = input;
  const coherence = await coherenceOf(state, control, input);
  const steps = evaluate(
    { lm, base, tokenizer, prompts, split, config, lexicon, humanLabels, coherence, weightsFingerprint: fingerprint, signal: control.signal, now: state.host.now },
    PORTS,
  );
  const report = await follow(steps, control, onProgress);
  await backend.assertHealthy();
  return report;
}
