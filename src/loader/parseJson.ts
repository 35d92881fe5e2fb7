/** JSON of a file from outside, with an error that names the file. Not for checking what is in it. */
import { EngineError } from '../base/errors.ts';

/** @throws EngineError bad-file if the bytes are no UTF-8 JSON */
export function parseJson(path: string, bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw new EngineError('bad-file', `${path}: not valid JSON (${error instanceof Error ? error.message : String(error)}).`, { cause: error });
  }
}
