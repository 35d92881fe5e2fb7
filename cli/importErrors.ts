/** How the rows that an import could not take are told. */
import type { ImportError, ImportResult } from '../src/records/importResult.ts';

const toLine = ({ file, row, column, message }: ImportError) => `${file}, row ${row}${column === null ? '' : `, column ${column}`}: ${message}`;

/** All of them, a line each, to stderr. */
export function writeErrors({ errors }: ImportResult): void {
  for (const error of errors) process.stderr.write(`${toLine(error)}\n`);
}

/** The first one and how many more, as one line; empty without errors. */
export function firstError({ errors }: ImportResult): string {
  const [first] = errors;
  return first ? `${toLine(first)}${errors.length > 1 ? ` (and ${errors.length - 1} more)` : ''}` : '';
}
