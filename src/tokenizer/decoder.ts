/**
 * The "decoder" of a tokenizer.json: tokens back to text, as Rust's decoders do it.
 *
 * Ours and not that of @huggingface/tokenizers 0.2.0, whose ByteFallback drops U+FEFF and mends runs of bytes that Rust gives up as a whole,
 * whose Metaspace keeps all but one leading U+2581, whose ByteLevel turns characters outside its alphabet into zeros, and whose Replace
 * reads `$&` in the replacement. To be removed when the library passes parity.test.ts by itself.
 */
import { bytesOfToken } from './byteAlphabet.ts';
import { joinByteTokens } from './byteFallback.ts';
import { compilePattern } from './pattern.ts';
import { badPart, readList, readPart, readText, unsupportedPart } from './tokenizerPart.ts';

/** Works on the whole list of tokens; the results joined are the text. */
type DecoderStep = (tokens: string[]) => string[];

/** Text of the bytes that tokens spell, U+FFFD for what is no UTF-8. */
function decodeBytes(tokens: readonly string[]): string {
  const parts = tokens.map(bytesOfToken);
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
}

/** Takes up to `start` characters off the beginning of each token and `stop` off its end. */
function stripStep(content: string, start: number, stop: number): DecoderStep {
  return (tokens) =>
    tokens.map((token) => {
      const characters = [...token];
      let begin = 0;
      while (begin < start && begin < characters.length && characters[begin] === content) begin++;
      let end = characters.length;
      while (characters.length - end < stop && end > begin && characters[end - 1] === content) end--;
      return characters.slice(begin, end).join('');
    });
}

function createStep(json: unknown, at: string, depth: number): DecoderStep {
  const { part, type } = readPart(json, at, depth);
  switch (type) {
    case 'Sequence': {
      const members = readList(part, 'decoders', at).map((member, i) => createStep(member, `${at} ${i + 1}`, depth + 1));
      return (tokens) => members.reduce((so, member) => member(so), tokens);
    }
    case 'ByteLevel':
      return (tokens) => [decodeBytes(tokens)];
    case 'ByteFallback':
      return joinByteTokens;
    case 'Fuse':
      return (tokens) => [tokens.join('')];
    case 'Replace': {
      const pattern = compilePattern(part['pattern'], at);
      const content = readText(part, 'content', at);
      return (tokens) => tokens.map((token) => token.replace(pattern, () => content));
    }
    case 'Strip': {
      const content = readText(part, 'content', at);
      const [start, stop] = [part['start'] ?? 0, part['stop'] ?? 0];
      if (!Number.isSafeInteger(start) || !Number.isSafeInteger(stop)) throw badPart(at, '"start" and "stop" must be whole numbers.');
      return stripStep(content, start as number, stop as number);
    }
    case 'Metaspace': {
      const replacement = readText(part, 'replacement', at, '\u2581');
      if ([...replacement].length !== 1) throw badPart(at, '"replacement" must be one character.');
      const prefixed = readText(part, 'prepend_scheme', at, part['add_prefix_space'] === false ? 'never' : 'always') !== 'never';
      return (tokens) => tokens.map((token, i) => token.replaceAll(replacement, i === 0 && prefixed ? '' : ' '));
    }
    default:
      throw unsupportedPart(at, type);
  }
}

/** @returns the text of tokens. @throws EngineError bad-file | unsupported */
export function createDecoder(json: unknown): (tokens: string[]) => string {
  if (json === null || json === undefined) return (tokens) => tokens.join(' ');
  const step = createStep(json, 'decoder', 0);
  return (tokens) => step(tokens).join('');
}

/** Whether tokens spell bytes and nothing else happens to them, so that they can be decoded one by one. */
export function isByteLevel(json: unknown): boolean {
  const type = (json as { type?: unknown; decoders?: unknown } | null | undefined)?.type;
  if (type !== 'Sequence') return type === 'ByteLevel';
  const members = (json as { decoders?: unknown }).decoders;
  return Array.isArray(members) && members.length === 1 && isByteLevel(members[0]);
}
