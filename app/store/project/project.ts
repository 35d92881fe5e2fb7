/** The person's documents: prompts, responses, curations, saved evaluation reports. Changed by project events alone. Plain data. */
import type { WeightsRef } from '../../../src/protocol/views.ts';
import type { EvaluationReport } from '../../../src/records/evaluation.ts';
import type { Prompt } from '../../../src/records/prompt.ts';
import type { Curation, Response } from '../../../src/records/response.ts';

/** One side of an evaluation, kept. Reports of one evaluation share `evaluationId`. */
export interface SavedReport {
  id: string;
  evaluationId: string;
  createdAt: string;
  modelId: string;
  modelName: string;
  weights: WeightsRef;
  /** What people call these weights: "base" or the run's name and step. */
  title: string;
  report: EvaluationReport;
}

export interface Project {
  /** In the order they were added; a restored document returns to its place. */
  prompts: readonly Prompt[];
  responses: readonly Response[];
  reports: readonly SavedReport[];
  /** By response id. */
  curations: Readonly<Record<string, Curation>>;
  /** Place of each document, by id. Grows for ever, so that undo can put things back. */
  places: Readonly<Record<string, number>>;
  nextPlace: number;
}

export const emptyProject: Project = { prompts: [], responses: [], reports: [], curations: {}, places: {}, nextPlace: 0 };
