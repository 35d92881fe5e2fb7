/** Prompts that are selected on the Prompts page, kept among the drafts. Pure. */
export function selectedPromptIds(pages: Readonly<Record<string, unknown>>): readonly string[] {
  const stored = pages.selectedPromptIds;
  return Array.isArray(stored) ? (stored as string[]) : [];
}
