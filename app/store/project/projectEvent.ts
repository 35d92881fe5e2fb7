/** Everything that can happen to the project. Plain data: stored in the log, applied forwards and backwards by `applyProjectEvent`. */
import type { Prompt } from '../../../src/records/prompt.ts';
import type { Curation, Response } from '../../../src/records/response.ts';
import type { SavedReport } from './project.ts';

export type Collection = 'prompts' | 'responses' | 'reports';
export interface Documents {
  prompts: Prompt;
  responses: Response;
  reports: SavedReport;
}

export type ProjectEvent =
  /** `places` is filled in when the event first happens, so that a redo lands on the same places. */
  | { [C in Collection]: { type: 'added'; collection: C; documents: readonly Documents[C][]; places?: readonly number[] } }[Collection]
  | { type: 'removed'; collection: Collection; ids: readonly string[] }
  | { type: 'promptsReplaced'; prompts: readonly Prompt[] }
  /** Null takes the curation away. */
  | { type: 'curationsSet'; curations: readonly { responseId: string; curation: Curation | null }[] }
  | { type: 'batch'; events: readonly ProjectEvent[] };
