/**
 * Byte tokens such as <0xE4> (SentencePiece's byte fallback), decoded as the Rust tokenizers do.
 *
 * Workaround for @huggingface/tokenizers 0.2.0: its decoder drops U+FEFF, and of a run of bytes that is no UTF-8 it replaces only the
 * bad ones, where Rust replaces every byte of the run. To be removed when the library passes tokenizer.test.ts by itself.
 */
import { ByteFallbackDecoder, SequenceDecoder, type Decoder } from '@huggingface/tokenizers';

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

/** Joins each run of byte tokens into its text; other tokens stay. */
function decodeChain(tokens: string[]): string[] {
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

/** Replaces the byte fallback inside a decoder, in place. */
export function repairByteFallback(decoder: Decoder | null): void {
  if (decoder instanceof ByteFallbackDecoder) decoder.decode_chain = decodeChain;
  else if (decoder instanceof SequenceDecoder) decoder.decoders.forEach(repairByteFallback);
}
