/** Reading the parts of a tokenizer.json, which is untrusted: what is not understood is refused by name. */
import { EngineError } from '../base/errors.ts';

export type Json = Record<string, unknown>;

export const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Sequences of sequences beyond this are no tokenizer. */
export const MAX_PART_DEPTH = 16;

export const badPart = (at: string, problem: string): EngineError => new EngineError('bad-file', `tokenizer.json: ${at}: ${problem}`);

/** A part and its type. @throws EngineError bad-file */
export function readPart(value: unknown, at: string, depth: number): { part: Json; type: string } {
  if (depth > MAX_PART_DEPTH) throw badPart(at, `is nested more than ${MAX_PART_DEPTH} deep.`);
  if (!isObject(value) || typeof value['type'] !== 'string') throw badPart(at, 'must be an object with a "type".');
  return { part: value, type: value['type'] };
}

/** The members of a Sequence. @throws EngineError bad-file */
export function readList(part: Json, name: string, at: string): unknown[] {
  const list = part[name];
  if (!Array.isArray(list)) throw badPart(at, `"${name}" must be a list.`);
  if (list.length > 64) throw badPart(at, `"${name}" has ${list.length} members; more than 64 are not supported.`);
  return list;
}

/** @throws EngineError bad-file */
export function readText(part: Json, name: string, at: string, fallback?: string): string {
  const value = part[name] ?? fallback;
  if (typeof value !== 'string') throw badPart(at, `"${name}" must be text.`);
  return value;
}

/** @throws EngineError bad-file */
export function readFlag(part: Json, name: string, at: string, fallback: boolean): boolean {
  const value = part[name] ?? fallback;
  if (typeof value !== 'boolean') throw badPart(at, `"${name}" must be true or false.`);
  return value;
}

export function unsupportedPart(at: string, type: string): EngineError {
  return new EngineError('unsupported', `tokenizer.json: ${at} "${type}" is not supported: its ids were not checked against Python tokenizers. Choose a model with a byte-level or SentencePiece-style BPE tokenizer.`);
}
