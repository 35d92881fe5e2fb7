/** Selects prompts, for bulk changes and for generating. */
import { studio } from '../store/studio.ts';

export function setSelectedPrompts(promptIds: readonly string[]): void {
  studio.edit('pages', { selectedPromptIds: [...promptIds] });
}
