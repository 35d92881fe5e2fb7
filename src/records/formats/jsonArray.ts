/** JSON: an array of texts or objects, or an object that holds such an array under `prompts`, `data`, `rows`, `examples` or `conversations`. */
import { EngineError } from '../../base/errors.ts';
import { countLineBreaks } from '../decodeText.ts';
import type { ImportError, RawRow, RawTable } from '../importResult.ts';
import { columnsOf, describeJsonError, rowOfValue } from './jsonValues.ts';

const LIST_KEYS = ['prompts', 'data', 'rows', 'examples'];

/**
 * Start offsets of the elements of the array that opens at `open` in valid JSON.
 * Only brackets and strings matter, because JSON.parse has accepted the text already.
 */
function elementOffsets(text: string, open: number): number[] {
  const offsets: number[] = [];
  let depth = 0;
  let expectsElement = false;
  for (let i = open; i < text.length; i++) {
    const c = text[i] as string;
    if (c === ' ' || c === '\n' || c === '\r' || c === '\t') continue;
    if (c === ']' || c === '}') {
      depth--;
      if (depth === 0) break;
      continue;
    }
    if (expectsElement && depth === 1) {
      offsets.push(i);
      expectsElement = false;
    }
    if (c === '"') {
      for (i++; text[i] !== '"'; i++) if (text[i] === '\\') i++;
    } else if (c === '[' || c === '{') {
      if (depth === 0) expectsElement = true;
      depth++;
    } else if (c === ',' && depth === 1) expectsElement = true;
  }
  return offsets;
}

/** Offset of the `[` of the array under `key` at the top level of a valid JSON object. The last one of several wins, as in JSON.parse. */
function arrayOffset(text: string, key: string): number {
  let depth = 0;
  let found = -1;
  for (let i = 0; i < text.length; i++) {
    const c = text[i] as string;
    if (c === '{' || c === '[') depth++;
    else if (c === '}' || c === ']') depth--;
    else if (c === '"') {
      const start = i;
      for (i++; text[i] !== '"'; i++) if (text[i] === '\\') i++;
      if (depth !== 1) continue;
      const after = /^\s*:\s*\[/.exec(text.slice(i + 1, i + 200));
      if (after && JSON.parse(text.slice(start, i + 1)) === key) found = i + after[0].length;
    }
  }
  return found;
}

/** @throws EngineError bad-file if the text is no JSON or holds no list */
export function parseJsonArray(fileName: string, text: string): RawTable {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (thrown) {
    throw new EngineError('bad-file', `${fileName}: not valid JSON: ${describeJsonError(thrown)}. Correct the file, or save one JSON object a line as .jsonl.`);
  }
  let open = text.indexOf('[');
  if (!Array.isArray(value)) {
    const object = typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
    const key = LIST_KEYS.find((k) => Object.hasOwn(object, k) && Array.isArray(object[k]));
    if (key !== undefined) {
      open = arrayOffset(text, key);
      value = object[key];
    } else if (Object.keys(object).length > 0) {
      // One object alone is one row.
      return withRows(fileName, [value], [countLineBreaks(text, 0, text.indexOf('{')) + 1]);
    } else throw new EngineError('bad-file', `${fileName}: expected a list of texts or objects, or an object with such a list under ${LIST_KEYS.map((k) => `"${k}"`).join(', ')}.`);
  }
  const values = value as unknown[];
  const offsets = open < 0 ? [] : elementOffsets(text, open);
  const lines: number[] = [];
  let line = 1;
  let at = 0;
  for (const offset of offsets) {
    line += countLineBreaks(text, at, offset);
    at = offset;
    lines.push(line);
  }
  return withRows(fileName, values, lines);
}

function withRows(fileName: string, values: unknown[], lines: number[]): RawTable {
  const rows: RawRow[] = [];
  const errors: ImportError[] = [];
  values.forEach((value, i) => {
    const row = lines[i] ?? 1;
    const parsed = rowOfValue(value, row);
    if ('message' in parsed) errors.push({ file: fileName, row, column: null, message: parsed.message });
    else rows.push(parsed);
  });
  return { format: 'json', columns: columnsOf(rows), rows, errors };
}
