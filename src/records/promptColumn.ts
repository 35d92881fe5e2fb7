/** Which column holds the prompts, and the prompt inside one of its cells. Knows TRL, Alpaca, ShareGPT and chat `messages` shapes. */

/** Names that mean "prompt", most telling first. */
const PROMPT_COLUMNS = [
  'prompt', 'prompts', 'question', 'instruction', 'messages', 'conversations', 'conversation', 'text', 'query', 'request', 'goal',
  'behavior', 'user', 'user_prompt', 'user_message', 'message', 'content', 'input', 'sentence', 'utterance',
];
/** Names of columns that go with a prompt; a first line with one of them is a header. */
const OTHER_COLUMNS = [
  'id', 'set', 'split', 'intent', 'category', 'reference', 'type', 'label', 'response', 'completion', 'output', 'answer', 'chosen', 'rejected', 'target', 'note',
];
const normal = (name: string) => name.trim().toLowerCase().replace(/[\s-]+/g, '_');

export const isKnownColumn = (name: string) => PROMPT_COLUMNS.includes(normal(name)) || OTHER_COLUMNS.includes(normal(name));

/**
 * The column to read.
 * @returns null when it cannot be decided
 */
export function findPromptColumn(columns: readonly string[], chosen: string | undefined): string | null {
  if (chosen !== undefined) return columns.find((c) => c === chosen) ?? columns.find((c) => normal(c) === normal(chosen)) ?? null;
  for (const name of PROMPT_COLUMNS) {
    const found = columns.find((c) => normal(c) === name);
    if (found !== undefined) return found;
  }
  return columns.length === 1 ? (columns[0] as string) : null;
}

/** Text of a message's content: a string, or parts of which the text ones count. */
function contentText(content: unknown): string | null {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return null;
  const texts = content.flatMap((part) => (typeof part === 'object' && part !== null && typeof (part as { text?: unknown }).text === 'string' ? [(part as { text: string }).text] : []));
  return texts.length > 0 ? texts.join('\n') : null;
}

/** The first message of the user in `messages` ({role, content}) or ShareGPT turns ({from, value}). */
function firstUserTurn(turns: readonly unknown[]): string | null {
  for (const turn of turns) {
    if (typeof turn === 'string') return turn;
    if (typeof turn !== 'object' || turn === null) continue;
    const { role, content, from, value } = turn as { role?: unknown; content?: unknown; from?: unknown; value?: unknown };
    if (role === 'user') return contentText(content);
    if (from === 'human' || from === 'user') return contentText(value);
  }
  return null;
}

/** A CSV cell may hold a conversation as JSON: its first user turn, or null when it is plain text. */
function conversationInText(cell: string): string | null {
  if (!/^\s*\[\s*\{/.test(cell)) return null;
  try {
    return firstUserTurn(JSON.parse(cell) as unknown[]);
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return null; // text that only looks like JSON
    throw thrown;
  }
}

/**
 * The prompt in one row.
 * @returns the text, or a message that says what is wrong with the cell
 */
export function promptOfRow(cells: Record<string, unknown>, column: string): { text: string } | { message: string } {
  const cell = cells[column];
  const turns = typeof cell === 'string' ? conversationInText(cell) : null;
  if (turns !== null) return { text: turns };
  if (typeof cell === 'string') {
    // Alpaca: the instruction may come with an input of its own.
    const input = normal(column) === 'instruction' ? cells['input'] : undefined;
    return { text: typeof input === 'string' && input.trim() !== '' ? `${cell.trim()}\n\n${input}` : cell };
  }
  if (Array.isArray(cell)) {
    const text = firstUserTurn(cell);
    return text === null ? { message: 'the conversation has no message of the user. Give one with role "user" (or from "human").' } : { text };
  }
  if (cell === undefined || cell === null) return { message: 'no prompt in this row. Fill the column or remove the row.' };
  return { message: `expected text, found ${typeof cell}. Write the prompt as text.` };
}
