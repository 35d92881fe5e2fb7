/**
 * Makes the byte-level pre-tokenizer split at the same places as the Rust tokenizers.
 *
 * Workaround for @huggingface/tokenizers 0.2.0: its ByteLevel pre-tokenizer runs GPT-2's pattern with JavaScript's `\s`, which
 * counts U+FEFF as a space and U+0085 as none; Rust's is the other way round. Its Split pre-tokenizer translates `\s` properly,
 * so the pattern moves there. To be removed when ByteLevel passes tokenizer.test.ts by itself.
 */

/** GPT-2's pattern as published with its tokenizer. */
const GPT2_PATTERN = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

type Json = Record<string, unknown>;
const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null;

function rewrite(preTokenizer: unknown): unknown {
  if (!isObject(preTokenizer)) return preTokenizer;
  if (preTokenizer['type'] === 'Sequence' && Array.isArray(preTokenizer['pretokenizers']))
    return { ...preTokenizer, pretokenizers: preTokenizer['pretokenizers'].map(rewrite) };
  // With a prefix space the splitting must see that space: left as it is.
  if (preTokenizer['type'] !== 'ByteLevel' || preTokenizer['use_regex'] === false || preTokenizer['add_prefix_space'] === true) return preTokenizer;
  return {
    type: 'Sequence',
    pretokenizers: [
      { type: 'Split', pattern: { Regex: GPT2_PATTERN }, behavior: 'Isolated', invert: false },
      { ...preTokenizer, add_prefix_space: false, use_regex: false },
    ],
  };
}

/** A copy of a tokenizer.json with ByteLevel's own splitting written out as a Split. */
export function withUnicodeSpaces(tokenizerJson: Json): Json {
  return { ...tokenizerJson, pre_tokenizer: rewrite(tokenizerJson['pre_tokenizer']) };
}
