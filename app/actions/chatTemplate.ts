/** The chat template of the loaded LM: the person's own, kept by model and put back whenever it is loaded. */
import type { EngineFailure } from '../../src/base/errors.ts';
import type { ModelView } from '../../src/protocol/views.ts';
import { studio } from '../store/studio.ts';
import { askJob } from './engine.ts';

/** Templates that are kept; a browser's settings are no archive. */
const KEPT = 30;

function keep(modelId: string, source: string | null): void {
  const others = Object.entries(studio.getState().drafts.model.templates).filter(([id]) => id !== modelId);
  studio.edit('model', { templates: Object.fromEntries([...others, ...(source === null ? [] : [[modelId, source] as const])].slice(-KEPT)) });
}

/** Uses this template from now on; null goes back to the model's own. @returns what is wrong with it, or null */
export async function applyTemplate(model: ModelView, source: string | null): Promise<EngineFailure | null> {
  const outcome = await askJob('setChatTemplate', { source });
  if ('failure' in outcome) return outcome.failure;
  keep(model.id, source);
  return null;
}

/** After loading: the template that the person gave this model before. */
export async function reapplyTemplate(model: ModelView): Promise<void> {
  const source = studio.getState().drafts.model.templates[model.id];
  if (source === undefined || source === model.chatTemplate.source) return;
  const outcome = await askJob('setChatTemplate', { source });
  if ('failure' in outcome && outcome.failure) studio.notify({ tone: 'unsafe', title: `Your chat template for ${model.name} could not be used`, detail: `${outcome.failure.message} The model’s own is in use.` });
}
