/** CSV and TSV by Papa Parse, with line numbers, header detection and recovery after an unclosed quote. */
import Papa from 'papaparse';
import { countLineBreaks } from '../decodeText.ts';
import type { ImportError, RawRow, RawTable } from '../importResult.ts';
import { isKnownColumn } from '../promptColumn.ts';

/** Most usual first: the earlier one wins a tie. */
const DELIMITERS = [',', ';', '\t', '|'];
/** An unclosed quote swallows the rest of the file; parsing starts anew on the next line, at most so often. */
const MAX_RECOVERIES = 100;

interface Line {
  row: number;
  fields: string[];
}

/**
 * The delimiter of a CSV file, by its first line: the one that separates most known column names there, else the most frequent one.
 * Papa Parse guesses by how even the rows are, which commas and tabs inside texts mislead.
 */
function guessDelimiter(text: string): string {
  const firstLine = /^[^\r\n]*/.exec(text.trimStart())?.[0] ?? '';
  const bare = firstLine.replace(/"(?:[^"]|"")*"/g, (quoted) => quoted.replace(/[,;\t|]/g, ' '));
  const score = (delimiter: string) => {
    const cells = bare.split(delimiter);
    return cells.length === 1 ? 0 : 1000 * cells.filter((cell) => isKnownColumn(cell.replaceAll('"', ''))).length + cells.length;
  };
  return DELIMITERS.reduce((best, d) => (score(d) > score(best) ? d : best));
}

function readLines(fileName: string, text: string, delimiter: string, errors: ImportError[]): Line[] {
  const lines: Line[] = [];
  let base = 0;
  let row = 1;
  for (let recoveries = 0; base < text.length; recoveries++) {
    let at = base;
    let brokenAt = -1;
    const rest = base === 0 ? text : text.slice(base);
    Papa.parse<string[]>(rest, {
      delimiter,
      step: (result, parser) => {
        const start = at;
        const startRow = row;
        at = base + result.meta.cursor;
        row += countLineBreaks(text, start, at);
        if (result.errors.some((e) => e.code === 'MissingQuotes')) {
          brokenAt = start;
          row = startRow;
          parser.abort();
          return;
        }
        if (result.errors.some((e) => e.code === 'InvalidQuotes')) {
          errors.push({ file: fileName, row: startRow, column: null, message: 'a quoted field has text after its closing quote. Write a quote inside a field as two quotes ("").' });
          return;
        }
        lines.push({ row: startRow, fields: result.data });
      },
    });
    if (brokenAt < 0) break;
    errors.push({ file: fileName, row, column: null, message: 'a quote is opened and never closed. Close it, or write a quote inside a field as two quotes ("").' });
    if (recoveries === MAX_RECOVERIES) {
      errors.push({ file: fileName, row, column: null, message: `more than ${MAX_RECOVERIES} unclosed quotes: the rest of the file was not read. Quote the fields as CSV does.` });
      break;
    }
    const lineEnd = /\r\n|\n|\r/.exec(text.slice(brokenAt));
    if (!lineEnd) break;
    base = brokenAt + lineEnd.index + lineEnd[0].length;
    row++;
  }
  return lines.filter(({ fields }) => fields.some((f) => f.trim() !== ''));
}

/** A column name: short, no sentence. */
const looksLikeName = (cell: string) => /^[\p{L}_][\p{L}\p{N}_ .-]{0,39}$/u.test(cell.trim()) && cell.trim().split(/\s+/).length <= 3 && !/[.]$/.test(cell.trim());

/** Whether the first line names the columns. A known or chosen name decides; otherwise its cells must look like names and the next ones like sentences. */
function hasHeader(lines: readonly Line[], chosen: string | undefined): boolean {
  const first = lines[0]?.fields ?? [];
  if (first.some((cell) => isKnownColumn(cell) || (chosen !== undefined && cell.trim().toLowerCase() === chosen.trim().toLowerCase()))) return true;
  const second = lines[1]?.fields;
  if (!second || !first.every(looksLikeName) || new Set(first).size !== first.length) return false;
  return lines.slice(1, 20).some(({ fields }) => fields.some((cell) => !looksLikeName(cell) && cell.trim().split(/\s+/).length > 3));
}

/**
 * @param text decoded
 * @param chosen the column the caller asked for: a first line that has it is the header
 */
export function parseDelimited(fileName: string, text: string, format: 'csv' | 'tsv', chosen?: string): RawTable {
  const errors: ImportError[] = [];
  const lines = readLines(fileName, text, format === 'tsv' ? '\t' : guessDelimiter(text), errors);
  const header = hasHeader(lines, chosen);
  const width = header ? (lines[0]?.fields.length ?? 0) : Math.max(0, ...lines.slice(0, 1000).map((l) => l.fields.length));
  const names = Array.from({ length: width }, (_, i) => (header ? lines[0]?.fields[i]?.trim() : '') || `column ${i + 1}`);
  const seen = new Map<string, number>();
  const columns = names.map((name) => {
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    return count === 1 ? name : `${name} (${count})`;
  });
  const rows: RawRow[] = [];
  for (const { row, fields } of header ? lines.slice(1) : lines) {
    if (fields.length > columns.length) {
      errors.push({ file: fileName, row, column: null, message: `${fields.length} fields where the header has ${columns.length}. Put quotes around a text that contains the delimiter.` });
      continue;
    }
    const cells = Object.create(null) as Record<string, unknown>;
    columns.forEach((column, i) => {
      if (fields[i] !== undefined) cells[column] = fields[i];
    });
    rows.push({ row, cells });
  }
  return { format, columns, rows, errors };
}
