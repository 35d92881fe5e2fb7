/** What a benchmark asks of an engine that runs in a process of its own. Types only. */

/** Some steps of workload S, one after another, each with its loss read back. */
export interface StepSample {
  /** Wall time of all steps together. */
  elapsedMs: number;
  /** Mean cross-entropy of each step's batch, before its update. */
  losses: number[];
  /** GPU programs (compute dispatches) a step, on average; null without a GPU. */
  programs: number | null;
}

export interface StepRequest {
  /** 0-based index of the first step, which picks the batch. */
  first: number;
  count: number;
}

/** What an engine module opens: named operations, called one at a time. Arguments and results are JSON. */
export type Operations = Record<string, (argument: never) => Promise<unknown>>;

/** The default export of an engine module. */
export type OpenEngine<Settings = unknown> = (settings: Settings) => Promise<Operations>;
