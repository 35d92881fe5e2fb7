/**
 * The importer of prompts: text, CSV, TSV, JSON, JSON Lines and our own full records. One importer for the studio and the command line.
 * Bad rows are reported and skipped; only an unreadable file is an exception.
 */
import { EngineError } from '../base/errors.ts';
import { decodeText } from './decodeText.ts';
import { parseDelimited } from './formats/delimited.ts';
import { parseJsonArray } from './formats/jsonArray.ts';
import { parseJsonLines } from './formats/jsonLines.ts';
import { parseTextLines } from './formats/textLines.ts';
import type { ImportError, ImportFormat, ImportInput, ImportOptions, ImportResult, RawTable } from './importResult.ts';
import { IMPORT_LIMITS } from './importResult.ts';
import { isProjectRecords, parseProjectRecords } from './projectRecords.ts';
import type { Prompt, PromptSet, Split } from './prompt.ts';
import { findPromptColumn, promptOfRow } from './promptColumn.ts';
import { normalisePromptText, promptIdOf } from './promptId.ts';

const SETS: readonly string[] = ['harmful', 'borderline', 'everyday'] satisfies PromptSet[];
const SPLITS: readonly string[] = ['curate', 'validation', 'test'] satisfies Split[];

/** JSON Lines saved as `.json` are taken as what they are. */
const looksLikeJsonLines = (text: string) => {
  const lines = text.split(/\r\n|\n|\r/, 50).filter((l) => l.trim() !== '');
  return lines.length > 1 && lines.slice(0, 2).every((l) => /^\s*\{.*\}\s*$/.test(l));
};

/** The format by file ending, else by how the text begins. */
function formatOf(fileName: string, text: string): Exclude<ImportFormat, 'records'> {
  const ending = /\.([a-z0-9]+)$/i.exec(fileName)?.[1]?.toLowerCase();
  if (ending === 'json') return looksLikeJsonLines(text) ? 'jsonl' : 'json';
  if (ending === 'jsonl' || ending === 'ndjson') return 'jsonl';
  if (ending === 'csv' || ending === 'tsv' || ending === 'txt') return ending;
  if (ending === 'tab') return 'tsv';
  if (looksLikeJsonLines(text)) return 'jsonl';
  if (/^\s*(\{\s*"|\[\s*["{\]])/.test(text)) return 'json';
  const lines = text.split(/\r\n|\n|\r/, 20).filter((l) => l.trim() !== '');
  if (lines.length > 1 && lines.every((l) => l.includes('\t'))) return 'tsv';
  return 'txt';
}

function parseTable(fileName: string, text: string, column: string | undefined): RawTable {
  const format = formatOf(fileName, text);
  if (format === 'txt') return parseTextLines(text);
  if (format === 'csv' || format === 'tsv') return parseDelimited(fileName, text, format, column);
  return format === 'json' ? parseJsonArray(fileName, text) : parseJsonLines(fileName, text);
}

/** What is wrong with a prompt's text, or null. */
function flawOf(text: string): string | null {
  if (text === '') return 'the prompt is empty. Fill it in or remove the row.';
  if (text.length > IMPORT_LIMITS.promptCharacters)
    return `the prompt has ${text.length} characters; the limit is ${IMPORT_LIMITS.promptCharacters}. Shorten it.`;
  const control = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/.exec(text);
  if (control) return `the prompt has a control character (U+${control[0].charCodeAt(0).toString(16).padStart(4, '0')}). Remove it.`;
  return /\p{Surrogate}/u.test(text) ? 'the prompt has half a Unicode character. Correct its encoding.' : null;
}

/** Text of an optional cell; empty ones count as absent. */
function optional(cells: Record<string, unknown>, name: string): string | undefined {
  const cell = cells[name];
  return typeof cell === 'string' && cell.trim() !== '' ? cell.trim() : undefined;
}

/**
 * Reads prompts out of a file or pasted text.
 * @param input borrowed
 * @returns all good rows as prompts and an error for each bad one; ids depend on text and set only, so that importing twice adds nothing
 * @throws EngineError bad-file if the file cannot be read at all, bad-argument if the chosen column does not exist (the message lists those that do)
 */
export function importPrompts(input: ImportInput, options: ImportOptions = {}): ImportResult {
  const { fileName } = input;
  const text = decodeText(fileName, input.bytes);
  if (options.column === undefined && isProjectRecords(text)) return importRecords({ fileName, bytes: text }, options.existing ?? []);
  const table = parseTable(fileName, text, options.column);
  const errors = [...table.errors];
  const column = findPromptColumn(table.columns, options.column);
  const result = (prompts: Prompt[], rowsRead: number, duplicates: number): ImportResult => ({
    format: table.format, columns: table.columns, column, prompts, responses: [], curations: [], rowsRead, kept: prompts.length, duplicates,
    errors: errors.sort((a, b) => a.row - b.row),
  });
  // Rows that could not even be taken apart were read, too.
  const brokenRows = table.errors.length;
  if (column === null) {
    const found = table.columns.map((c) => `"${c}"`).join(', ');
    if (options.column !== undefined) throw new EngineError('bad-argument', `${fileName}: there is no column "${options.column}". Columns found: ${found || 'none'}.`);
    if (table.rows.length > 0)
      errors.push({ file: fileName, row: table.rows[0]?.row ?? 1, column: null, message: `cannot tell which column holds the prompts. Choose one of: ${found}.` });
    return result([], table.rows.length + brokenRows, 0);
  }
  const seen = new Set((options.existing ?? []).map((p) => normalisePromptText(p.text)));
  const prompts: Prompt[] = [];
  let duplicates = 0;
  let rowsRead = brokenRows;
  for (const { row, cells } of table.rows) {
    if (rowsRead >= IMPORT_LIMITS.rows) {
      errors.push({ file: fileName, row, column: null, message: `more than ${IMPORT_LIMITS.rows} rows: the rest was not read. Split the file.` });
      break;
    }
    rowsRead++;
    const complain = (where: string | null, message: string) => errors.push({ file: fileName, row, column: where, message });
    const found = promptOfRow(cells, column);
    if ('message' in found) {
      complain(column, found.message);
      continue;
    }
    const promptText = found.text.trim();
    const flaw = flawOf(promptText);
    if (flaw !== null) {
      complain(column, flaw);
      continue;
    }
    const named = labelsOfRow(cells, options, complain);
    if (!named) continue;
    const key = normalisePromptText(promptText);
    if (seen.has(key)) {
      duplicates++;
      continue;
    }
    seen.add(key);
    const prompt: Prompt = { id: promptIdOf(promptText, named.set), text: promptText, ...named, source: 'imported' };
    for (const field of ['intent', 'category', 'reference'] as const) {
      const value = field === column ? undefined : optional(cells, field);
      if (value !== undefined) prompt[field] = value;
    }
    prompts.push(prompt);
  }
  return result(prompts, rowsRead, duplicates);
}

/**
 * Set and split of a row: its own `set` and `split` cells where they are ours, else what the caller chose.
 * Other tools use `split` for train/test files and the like: what is not one of our words is an error only in `set`'s company.
 */
function labelsOfRow(cells: Record<string, unknown>, options: ImportOptions, complain: (column: string, message: string) => void): { set: PromptSet; split: Split } | null {
  const set = optional(cells, 'set')?.toLowerCase();
  const split = optional(cells, 'split')?.toLowerCase();
  const isOurs = set !== undefined && SETS.includes(set);
  if (set !== undefined && !isOurs && options.set === undefined) {
    complain('set', `"${set}" is not a set. Write one of: ${SETS.join(', ')}.`);
    return null;
  }
  if (isOurs && split !== undefined && !SPLITS.includes(split)) {
    complain('split', `"${split}" is not a split. Write one of: ${SPLITS.join(', ')}.`);
    return null;
  }
  return {
    set: isOurs ? (set as PromptSet) : (options.set ?? 'harmful'),
    split: isOurs && split !== undefined ? (split as Split) : (options.split ?? 'curate'),
  };
}

/** Full records into a project that may have some of the prompts: their responses then join the prompt that is there. */
function importRecords(input: ImportInput, existing: readonly Prompt[]): ImportResult {
  const read = parseProjectRecords(input);
  const errors: ImportError[] = read.errors;
  const byId = new Map(existing.map((p) => [p.id, p]));
  const byText = new Map(existing.map((p) => [`${p.set}\n${normalisePromptText(p.text)}`, p]));
  const idOf = new Map<string, string>();
  const prompts = read.prompts.filter((p) => {
    const same = byId.get(p.id) ?? byText.get(`${p.set}\n${normalisePromptText(p.text)}`);
    idOf.set(p.id, same?.id ?? p.id);
    return same === undefined;
  });
  return {
    format: 'records',
    columns: ['prompt'],
    column: 'prompt',
    prompts,
    responses: read.responses.map((r) => ({ ...r, promptId: idOf.get(r.promptId) ?? r.promptId })),
    curations: read.curations,
    rowsRead: read.rowsRead,
    kept: prompts.length,
    duplicates: read.prompts.length - prompts.length,
    errors,
  };
}
