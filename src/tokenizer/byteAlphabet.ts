/**
 * GPT-2's alphabet, in which byte-level tokenizers spell: every byte has a printable character.
 * Not for byte tokens such as <0xE4> (byteFallback.ts).
 */

function alphabet(): string[] {
  const characters: string[] = [];
  let next = 256;
  for (let byte = 0; byte < 256; byte++) {
    const printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    characters.push(String.fromCharCode(printable ? byte : next++));
  }
  return characters;
}
const CHARACTERS = alphabet();
const BYTES = new Map(CHARACTERS.map((character, byte) => [character, byte]));
const encoder = new TextEncoder();

/** A text spelt in the alphabet, one character a UTF-8 byte. */
export function toByteCharacters(text: string): string {
  let spelt = '';
  for (const byte of encoder.encode(text)) spelt += CHARACTERS[byte];
  return spelt;
}

/** The bytes that a token stands for. One with a character outside the alphabet (an added token) stands for its own text, as in Rust. */
export function bytesOfToken(token: string): Uint8Array {
  const bytes = new Uint8Array(token.length);
  for (let i = 0; i < token.length; i++) {
    const byte = BYTES.get(token[i] as string);
    if (byte === undefined) return encoder.encode(token);
    bytes[i] = byte;
  }
  return bytes;
}
