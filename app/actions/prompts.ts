/** Adding, changing and removing prompts. Every one of these can be undone. */
import { toFailure } from '../../src/base/errors.ts';
import type { ImportOptions, ImportResult } from '../../src/records/importResult.ts';
import type { Prompt, PromptSet, Split } from '../../src/records/prompt.ts';
import type { ProjectEvent } from '../store/project/projectEvent.ts';
import { studio } from '../store/studio.ts';
import { fetchBuiltInPrompts } from './builtInData.ts';

/** Adds the built-in set, all splits. @returns how many were new */
export async function addBuiltInPrompts(): Promise<number> {
  try {
    const known = new Set(studio.getState().project.prompts.map((prompt) => prompt.id));
    const fresh = (await fetchBuiltInPrompts()).filter((prompt) => !known.has(prompt.id));
    if (fresh.length > 0) studio.commit(`Add ${fresh.length} built-in prompts`, { type: 'added', collection: 'prompts', documents: fresh });
    studio.notify({ tone: 'safe', title: fresh.length > 0 ? `${fresh.length} built-in prompts added` : 'All built-in prompts are here already', offersUndo: fresh.length > 0 });
    return fresh.length;
  } catch (thrown) {
    studio.notify({ tone: 'unsafe', title: 'The built-in prompts could not be loaded', detail: toFailure(thrown).message });
    return 0;
  }
}

/** Reads a file or pasted text without adding anything. Errors of rows are in the result; a file that cannot be read at all throws EngineError. */
export async function previewImport(fileName: string, bytes: Uint8Array | string, options: ImportOptions): Promise<ImportResult> {
  const { importPrompts } = await import('../../src/records/importPrompts.ts');
  return importPrompts({ fileName, bytes }, { ...options, existing: studio.getState().project.prompts });
}

/** Adds what a preview showed: prompts, and from full records responses and curations too. */
export function importPromptFile(result: ImportResult): void {
  const events: ProjectEvent[] = [{ type: 'added', collection: 'prompts', documents: result.prompts }];
  if (result.responses.length > 0) events.push({ type: 'added', collection: 'responses', documents: result.responses });
  if (result.curations.length > 0) events.push({ type: 'curationsSet', curations: result.curations.map((curation) => ({ responseId: curation.responseId, curation })) });
  const title = `Import ${result.kept} prompts`;
  studio.commit(title, { type: 'batch', events });
  studio.notify({ tone: 'safe', title: `${result.kept} prompts${result.responses.length > 0 ? ` and ${result.responses.length} responses` : ''} imported`, offersUndo: true });
}

/** Removes prompts with their responses and labels. */
export function deletePrompts(promptIds: readonly string[]): void {
  const gone = new Set(promptIds);
  const { responses, curations } = studio.getState().project;
  const responseIds = responses.filter((response) => gone.has(response.promptId)).map((response) => response.id);
  studio.commit(`Delete ${promptIds.length} prompts`, {
    type: 'batch',
    events: [
      { type: 'curationsSet', curations: responseIds.filter((id) => curations[id]).map((responseId) => ({ responseId, curation: null })) },
      { type: 'removed', collection: 'responses', ids: responseIds },
      { type: 'removed', collection: 'prompts', ids: promptIds },
    ],
  });
  const also = responseIds.length > 0 ? ` and ${responseIds.length} responses to them` : '';
  studio.notify({ tone: 'neutral', title: `${promptIds.length} prompts${also} deleted`, offersUndo: true });
}

/** Moves prompts to another set or split. */
export function changePrompts(prompts: readonly Prompt[], change: { set?: PromptSet; split?: Split }): void {
  studio.commit(`Change ${prompts.length} prompts`, { type: 'promptsReplaced', prompts: prompts.map((prompt) => ({ ...prompt, ...change })) });
}
