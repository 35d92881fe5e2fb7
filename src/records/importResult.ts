/** What an import gives back, and the limits it keeps. Plain data; the parsers live in `formats/` and `importPrompts.ts`. */
import type { Prompt, PromptSet, Split } from './prompt.ts';
import type { Curation, Response } from './response.ts';

/** Files and rows beyond these are refused with a message that names the limit. */
export const IMPORT_LIMITS = {
  /** Largest file, bytes (50 MB): it is read into memory whole. */
  fileSizeBytes: 50_000_000,
  /** Most data rows of one file; the rest is reported as one error. */
  rows: 100_000,
  /** Longest prompt, characters (UTF-16 code units). */
  promptCharacters: 8_000,
} as const;

export type ImportFormat = 'txt' | 'csv' | 'tsv' | 'json' | 'jsonl' | 'records';

/** One row that could not be taken, and what to do about it. Bad rows never stop good ones. */
export interface ImportError {
  file: string;
  /** 1-based line in the file, as an editor shows it. */
  row: number;
  /** The column concerned; null when it is the whole row. */
  column: string | null;
  /** What is wrong and what to do. */
  message: string;
}

export interface ImportResult {
  format: ImportFormat;
  /** Columns found, in order of appearance. */
  columns: string[];
  /** The one that was read; null when it could not be decided (then `prompts` is empty and an error lists the columns). */
  column: string | null;
  prompts: Prompt[];
  /** Only from full-record files; empty otherwise. */
  responses: Response[];
  /** Only from full-record files; empty otherwise. */
  curations: Curation[];
  /** Data rows seen (blank lines and header not counted). */
  rowsRead: number;
  /** Prompts kept: `prompts.length`. */
  kept: number;
  /** Rows whose prompt was there already, in this file or in the project. */
  duplicates: number;
  errors: ImportError[];
}

/** A file as it was dropped, picked or pasted. Bytes are borrowed. */
export interface ImportInput {
  /** Used in messages, and its ending for the format. */
  fileName: string;
  bytes: Uint8Array | string;
}

export interface ImportOptions {
  /** Column that holds the prompts; detected when absent. */
  column?: string;
  /** Set of rows that do not name one; default `harmful`. */
  set?: PromptSet;
  /** Split of rows that do not name one; default `curate`. */
  split?: Split;
  /** Prompts the project has already: the same text is not taken twice. Borrowed. */
  existing?: readonly Prompt[];
}

/** One data row of any format, before its prompt is looked for. */
export interface RawRow {
  /** 1-based line of the file. */
  row: number;
  cells: Record<string, unknown>;
}

/** A file taken apart into rows. */
export interface RawTable {
  format: ImportFormat;
  columns: string[];
  rows: RawRow[];
  errors: ImportError[];
}
