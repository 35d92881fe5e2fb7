/** What people call the jobs of the engine, and which can be paused or stopped. */
import type { JobName } from '../src/protocol/jobs.ts';

/** Jobs too short to show are missing. */
export const JOB_WORDS: Partial<Record<JobName, string>> = {
  openEngine: 'Opening the engine',
  loadModel: 'Loading the model',
  generate: 'Generating responses',
  train: 'Training',
  resumeRun: 'Training',
  evaluate: 'Evaluating',
  exportModel: 'Exporting the model',
  verifyModel: 'Checking a download',
  measureStep: 'Measuring a step',
  importAdapter: 'Loading the adapter',
};

export const PAUSABLE: ReadonlySet<JobName> = new Set<JobName>(['generate', 'train', 'resumeRun', 'evaluate']);
export const STOPPABLE: ReadonlySet<JobName> = new Set<JobName>(['generate', 'train', 'resumeRun']);
