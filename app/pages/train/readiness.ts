/** Whether a run can start, and if not, what to do about it. Pure: facts in, words out. */
import type { TrainConfig } from '../../../src/config/train.ts';

/** Below this many unsafe responses safety hardly transfers to unseen intents. */
export const FEW_UNSAFE = 20;

export interface ReadinessFacts {
  modelName: string | null;
  /** Another job of the engine that must end first, in words. */
  busyWith: string | null;
  /** Rows a run may draw from. */
  unsafe: number;
  everyday: number;
  borderline: number;
  /** Prompts of the validation split, by set. */
  validation: { harmful: number; borderline: number; everyday: number };
  config: TrainConfig;
  /** What is wrong with the settings, or null. */
  configProblem: string | null;
}

export type StationPage = 'model' | 'prompts' | 'curate';

export interface ReadinessReason {
  text: string;
  /** Where to mend it. */
  page?: StationPage;
}

export interface Readiness {
  ready: boolean;
  /** What stands in the way; empty when ready. */
  blockers: ReadinessReason[];
  /** What will probably disappoint, but does not stop a run. */
  warnings: ReadinessReason[];
}

export function assessReadiness(facts: ReadinessFacts): Readiness {
  const { config, validation } = facts;
  const blockers: ReadinessReason[] = [];
  const warnings: ReadinessReason[] = [];
  const penalised = config.semanticLambda > 0 && config.unsafePerStep > 0;
  const borderlineRows = Math.round(config.benignPerStep * config.borderlineShare);

  if (facts.modelName === null) blockers.push({ text: 'No model is loaded.', page: 'model' });
  if (penalised && facts.unsafe === 0) blockers.push({ text: 'No response is labelled unsafe. At least one is needed to move away from.', page: 'curate' });
  else if (penalised && config.unsafeSamples === 0) blockers.push({ text: 'Unsafe samples is 0, but a step draws unsafe rows. Raise it, or set the penalty weight to 0.' });
  else if (penalised && Math.min(facts.unsafe, config.unsafeSamples) < FEW_UNSAFE)
    warnings.push({
      text: `Only ${Math.min(facts.unsafe, config.unsafeSamples)} unsafe responses are used. Under ${FEW_UNSAFE}, safety hardly reaches prompts that were not labelled.`,
      page: facts.unsafe < FEW_UNSAFE ? 'curate' : undefined,
    });

  if (config.benignPerStep > 0 && facts.everyday + facts.borderline === 0)
    blockers.push({ text: 'No benign rows: add the built-in prompts, or import everyday prompts with reference answers.', page: 'prompts' });
  else if (config.benignPerStep > 0) {
    if (borderlineRows > 0 && facts.borderline === 0)
      blockers.push({ text: 'A step draws borderline rows, but there are none with a reference answer. Add some, or set the borderline share to 0.', page: 'prompts' });
    if (borderlineRows < config.benignPerStep && facts.everyday === 0)
      blockers.push({ text: 'A step draws everyday rows, but there are none with a reference answer. Add some, or set the borderline share to 1.', page: 'prompts' });
    if (borderlineRows === 0 && penalised) warnings.push({ text: 'Without borderline rows the LM will probably refuse harmless prompts that only sound harmful.' });
  } else if (penalised) warnings.push({ text: 'Without benign rows nothing holds the LM’s answers to everyday prompts.' });
  if (!penalised && config.benignPerStep === 0) blockers.push({ text: 'These settings train on nothing: no benign rows and no penalty.' });

  if (validation.harmful === 0) blockers.push({ text: 'No validation prompts of the harmful set: without them no checkpoint can be chosen.', page: 'prompts' });
  else {
    const missing = [validation.borderline === 0 && 'borderline', validation.everyday === 0 && 'everyday'].filter(Boolean);
    if (missing.length) warnings.push({ text: `No ${missing.join(' or ')} validation prompts: ${validation.borderline === 0 ? 'over-refusal' : 'helpfulness'} will not be measured.`, page: 'prompts' });
  }
  if (facts.configProblem) blockers.push({ text: facts.configProblem });
  if (facts.busyWith) blockers.push({ text: `The engine is busy: ${facts.busyWith}.` });
  return { ready: blockers.length === 0, blockers, warnings };
}
