/** Plain text: a prompt a line. Blank lines are skipped. */
import type { RawTable } from '../importResult.ts';

/** The column name that a format without columns gets. */
export const TEXT_COLUMN = 'prompt';

/** @param text decoded, line breaks `\n`, `\r\n` or `\r` */
export function parseTextLines(text: string): RawTable {
  const rows = text
    .split(/\r\n|\n|\r/)
    .map((line, i) => ({ row: i + 1, cells: { [TEXT_COLUMN]: line } }))
    .filter(({ cells }) => (cells[TEXT_COLUMN] as string).trim() !== '');
  return { format: 'txt', columns: [TEXT_COLUMN], rows, errors: [] };
}
