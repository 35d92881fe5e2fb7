/**
 * Choosing a model: look at it first, ask the person, then download and load. Where that stands, for the Model page.
 * Nothing large is downloaded before `acceptModel`.
 */
import type { EngineFailure } from '../../src/base/errors.ts';
import type { ModelSource } from '../../src/protocol/jobs.ts';
import type { ModelInspection } from '../../src/protocol/views.ts';
import { askJob, cancelJob } from './engine.ts';
import { hubAccess } from './hubAccess.ts';
import { loadSource } from './loadModel.ts';

export type ModelChoice =
  | { status: 'none' }
  /** Its config and sizes are being read. */
  | { status: 'looking'; source: ModelSource; jobId: string }
  /** The person decides. */
  | { status: 'asking'; source: ModelSource; inspection: ModelInspection }
  | { status: 'loading'; source: ModelSource; inspection: ModelInspection | null }
  | { status: 'failed'; source: ModelSource; failure: EngineFailure };

let choice: ModelChoice = { status: 'none' };
const listeners = new Set<() => void>();

export function getModelChoice(): ModelChoice {
  return choice;
}

/** @returns a function that ends the subscription */
export function subscribeModelChoice(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function set(next: ModelChoice): void {
  choice = next;
  for (const listener of [...listeners]) listener();
}

/** Whether a person has to agree: something would be downloaded, or it may not fit. */
export function needsConsent(inspection: ModelInspection): boolean {
  return inspection.cachedBytes < inspection.totalBytes || inspection.fit.verdict !== 'fits';
}

/** Looks at a model without downloading it; then asks, or loads what is here already. */
export async function chooseModel(source: ModelSource): Promise<void> {
  set({ status: 'looking', source, jobId: '' });
  const outcome = await askJob('inspectModel', { source, access: hubAccess(source) }, (jobId) => set({ status: 'looking', source, jobId }));
  if (choice.status !== 'looking' || choice.source !== source) return;
  if ('failure' in outcome) return set(outcome.failure ? { status: 'failed', source, failure: outcome.failure } : { status: 'none' });
  const inspection = source.kind === 'files' ? { ...outcome.result, cachedBytes: outcome.result.totalBytes } : outcome.result;
  if (needsConsent(inspection)) set({ status: 'asking', source, inspection });
  else await load(source, inspection);
}

/** The person agreed. */
export async function acceptModel(): Promise<void> {
  if (choice.status === 'asking') await load(choice.source, choice.inspection);
}

/** Loads a model that was agreed to before: goes on with a download that stopped, or reads it from the cache. */
export async function resumeModel(source: ModelSource): Promise<void> {
  await load(source, null);
}

/** The same once more, as after a token was given. */
export async function retryModel(): Promise<void> {
  if (choice.status === 'failed') await chooseModel(choice.source);
}

/** Puts the question or the failure away; a look that is under way is cancelled. */
export function leaveModel(): void {
  if (choice.status === 'looking' && choice.jobId !== '') cancelJob(choice.jobId);
  if (choice.status !== 'loading') set({ status: 'none' });
}

async function load(source: ModelSource, inspection: ModelInspection | null): Promise<void> {
  set({ status: 'loading', source, inspection });
  const failure = await loadSource(source);
  set(failure ? { status: 'failed', source, failure } : { status: 'none' });
}
