/** JSON Lines: a JSON value a line. A line that is not JSON is an error of its own row. */
import type { ImportError, RawRow, RawTable } from '../importResult.ts';
import { columnsOf, describeJsonError, rowOfValue } from './jsonValues.ts';

export function parseJsonLines(fileName: string, text: string): RawTable {
  const rows: RawRow[] = [];
  const errors: ImportError[] = [];
  text.split(/\r\n|\n|\r/).forEach((line, i) => {
    if (line.trim() === '') return;
    const row = i + 1;
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch (thrown) {
      errors.push({ file: fileName, row, column: null, message: `not valid JSON (${describeJsonError(thrown)}). Each line must be one JSON object.` });
      return;
    }
    const parsed = rowOfValue(value, row);
    if ('message' in parsed) errors.push({ file: fileName, row, column: null, message: parsed.message });
    else rows.push(parsed);
  });
  return { format: 'jsonl', columns: columnsOf(rows), rows, errors };
}
