/** Bytes of an imported file to text: UTF-8 (with or without BOM), UTF-16 with BOM. Guesses no legacy encodings: wrong text is worse than none. */
import { EngineError } from '../base/errors.ts';
import { IMPORT_LIMITS } from './importResult.ts';

/** Number of line breaks (`\r\n`, `\n` or `\r`) in text[from, to). */
export function countLineBreaks(text: string, from: number, to: number): number {
  let count = 0;
  for (let i = from; i < to; i++) {
    const c = text.charCodeAt(i);
    if (c === 10 || (c === 13 && text.charCodeAt(i + 1) !== 10)) count++;
  }
  return count;
}

/** The 1-based line on which the first byte sequence lies that is not UTF-8. */
function lineOfInvalidUtf8(bytes: Uint8Array): number {
  // The valid prefix is what a lossy decoding has before its first replacement character that the source did not contain.
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let line = 1;
  let start = 0;
  for (let i = 0; i <= bytes.length; i++) {
    // A newline byte never occurs inside a multi-byte sequence, so lines can be decoded one by one.
    if (i < bytes.length && bytes[i] !== 10) continue;
    try {
      decoder.decode(bytes.subarray(start, i));
    } catch (thrown) {
      if (thrown instanceof TypeError) return line;
      throw thrown;
    }
    start = i + 1;
    line++;
  }
  return line - 1;
}

/**
 * @param bytes borrowed; a string is taken as decoded already
 * @returns the text without byte order mark
 * @throws EngineError bad-file if it is too large, not text, or in another encoding
 */
export function decodeText(fileName: string, bytes: Uint8Array | string): string {
  const sizeBytes = bytes.length;
  if (sizeBytes > IMPORT_LIMITS.fileSizeBytes) {
    const megabytes = (n: number) => (n / 1e6).toFixed(n < 1e7 ? 1 : 0);
    throw new EngineError('bad-file', `${fileName}: ${megabytes(sizeBytes)} MB is more than the limit of ${megabytes(IMPORT_LIMITS.fileSizeBytes)} MB. Split the file.`);
  }
  const text = typeof bytes === 'string' ? bytes.replace(/^\uFEFF/, '') : decodeBytes(fileName, bytes);
  const zero = text.indexOf('\0');
  if (zero >= 0)
    throw new EngineError(
      'bad-file',
      `${fileName}: line ${countLineBreaks(text, 0, zero) + 1} has a zero byte: this is a binary file, or UTF-16 without a byte order mark. Save it as UTF-8 text.`,
    );
  return text;
}

function decodeBytes(fileName: string, bytes: Uint8Array): string {
  const utf16 = bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf-16le' : bytes[0] === 0xfe && bytes[1] === 0xff ? 'utf-16be' : null;
  try {
    return new TextDecoder(utf16 ?? 'utf-8', { fatal: true }).decode(bytes);
  } catch (thrown) {
    if (!(thrown instanceof TypeError)) throw thrown;
    if (utf16) throw new EngineError('bad-file', `${fileName}: starts with a ${utf16.toUpperCase()} mark but is not valid UTF-16. Save it as UTF-8 text.`);
    throw new EngineError('bad-file', `${fileName}: line ${lineOfInvalidUtf8(bytes)} has bytes that are not UTF-8. Save the file as UTF-8 and import it again.`);
  }
}
