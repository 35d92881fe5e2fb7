/** The engine's own generation and scoring as evaluation wants them. Apart, so that evaluation itself can be tested without tensors. */
import { generate } from '../generate/generate.ts';
import type { LanguageModel } from '../lm/params.ts';
import { tokenNll } from '../lm/scoring.ts';
import type { LmPorts } from './lmPorts.ts';

export const enginePorts: LmPorts<LanguageModel> = { generate, tokenNll };
