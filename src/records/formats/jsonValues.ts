/** Rows out of JSON values: shared by the JSON and the JSON Lines format. */
import type { RawRow } from '../importResult.ts';
import { TEXT_COLUMN } from './textLines.ts';

/** One value as a row, or what is wrong with it. A bare string is a prompt. */
export function rowOfValue(value: unknown, row: number): RawRow | { message: string } {
  if (typeof value === 'string') return { row, cells: { [TEXT_COLUMN]: value } };
  if (Array.isArray(value)) return { row, cells: { messages: value } };
  if (typeof value === 'object' && value !== null) {
    // Own prototype-less copy: keys come from a file, `__proto__` must be data.
    const cells = Object.assign(Object.create(null) as Record<string, unknown>, value);
    return { row, cells };
  }
  return { message: `expected a text or an object with a prompt, found ${value === null ? 'null' : typeof value}. Correct or remove this row.` };
}

/** Union of the rows' keys, in order of appearance. */
export function columnsOf(rows: readonly RawRow[]): string[] {
  const columns = new Set<string>();
  for (const { cells } of rows) for (const key of Object.keys(cells)) columns.add(key);
  return [...columns];
}

/** What JSON.parse complained of, without its quotation of the text. */
export function describeJsonError(thrown: unknown): string {
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return message.replace(/,? ?(\.\.\.)?"[^]*" is not valid JSON$/, ' here').replace(/ in JSON/, '').slice(0, 160);
}
