/**
 * Byte tokens such as <0xE4> (SentencePiece's byte fallback), decoded as the Rust tokenizers do.
 */

const BYTE_TOKEN = /^<0x([0-9A-Fa-f]{2})>$/;

/** Whether a token stands for one byte. */
export function isByteToken(token: string): boolean {
  return BYTE_TOKEN.test(token);
}

function textOfRun(bytes: readonly number[]): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(bytes));
  } catch {
    return '\ufffd'.repeat(bytes.length); // no UTF-8, as Rust writes it
  }
}

/** Joins each run of byte tokens into its text; of a run that is no UTF-8 every byte becomes U+FFFD. Other tokens stay. */
export function joinByteTokens(tokens: string[]): string[] {
  const out: string[] = [];
  let run: number[] = [];
  const flush = (): void => {
    if (run.length > 0) out.push(textOfRun(run));
    run = [];
  };
  for (const token of tokens) {
    const byte = BYTE_TOKEN.exec(token)?.[1];
    if (byte !== undefined) run.push(Number.parseInt(byte, 16));
    else {
      flush();
      out.push(token);
    }
  }
  flush();
  return out;
}
