/**
 * Patterns of tokenizer.json (texts, or regular expressions in Oniguruma's words) as JavaScript ones. A file may hold a pattern that
 * takes exponential time; nothing can stop a regular expression while it runs, so such patterns are refused beforehand.
 */
import { SplitPreTokenizer } from '@huggingface/tokenizers';
import { EngineError } from '../base/errors.ts';
import { slowProbe, structuralRisk } from './patternRisk.ts';
import { badPart, isObject } from './tokenizerPart.ts';

const checked = new Map<string, RegExp>();

/**
 * @param value {String} or {Regex}
 * @returns a global pattern; lastIndex is the caller's
 * @throws EngineError bad-file | unsupported
 */
export function compilePattern(value: unknown, at: string): RegExp {
  if (!isObject(value)) throw badPart(at, '"pattern" must be {"String"} or {"Regex"}.');
  const { String: text, Regex: source } = value;
  if (typeof text === 'string') return new RegExp(text.replace(/[$()*+.?[\\\]^{|}]/g, '\\$&'), 'gu');
  if (typeof source !== 'string') throw badPart(at, '"pattern" must be {"String"} or {"Regex"}.');
  const known = checked.get(source);
  if (known) return new RegExp(known);
  const risk = structuralRisk(source);
  if (risk) throw new EngineError('unsupported', `tokenizer.json: ${at}: the pattern ${JSON.stringify(source.slice(0, 80))} ${risk}.`);
  let compiled: RegExp | null;
  try {
    // The library translates Oniguruma: its \s is Unicode's, JavaScript's is not.
    compiled = (new SplitPreTokenizer({ type: 'Split', pattern: { Regex: source }, behavior: 'Isolated', invert: true } as never) as unknown as { pattern: RegExp | null }).pattern;
  } catch (error) {
    throw new EngineError('unsupported', `tokenizer.json: ${at}: the pattern ${JSON.stringify(source.slice(0, 80))} cannot be read (${error instanceof Error ? error.message.slice(0, 200) : String(error)}).`, { cause: error });
  }
  if (!compiled) throw badPart(at, 'the pattern cannot be read.');
  const slow = slowProbe(compiled, source);
  if (slow) throw new EngineError('unsupported', `tokenizer.json: ${at}: the pattern ${JSON.stringify(source.slice(0, 80))} ${slow}.`);
  if (checked.size >= 64) checked.clear();
  checked.set(source, compiled);
  return new RegExp(compiled);
}
