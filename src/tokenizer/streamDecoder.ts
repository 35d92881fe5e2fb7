/**
 * Text of a response while its tokens arrive one by one. A character may span several tokens:
 * its text comes out with the last of them. Pieces joined are the text decoded as a whole.
 */
import type { Tokenizer as HubTokenizer } from '@huggingface/tokenizers';
import { isByteToken } from './byteFallback.ts';

export interface StreamDecoder {
  /** Takes the next id; returns the text that is now certain, often ''. */
  push(id: number): string;
  /** After the last id: what is left, with U+FFFD for a character that was never completed. */
  end(): string;
}

/** Whether the tokens of this tokenizer spell bytes (GPT-2's alphabet). */
function isByteLevel(decoderJson: unknown): boolean {
  return (decoderJson as { type?: unknown } | null | undefined)?.type === 'ByteLevel';
}

/** GPT-2's alphabet: every byte as a printable character. */
function byteOfCharacter(): Map<string, number> {
  const map = new Map<string, number>();
  let next = 256;
  for (let byte = 0; byte < 256; byte++) {
    const printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    map.set(String.fromCharCode(printable ? byte : next++), byte);
  }
  return map;
}
const BYTES = byteOfCharacter();

/** Exact and O(1) a token: a streaming UTF-8 decoder keeps the bytes of an unfinished character. */
function byteLevelDecoder(hub: HubTokenizer): StreamDecoder {
  const added = hub.get_added_tokens_decoder();
  const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });
  return {
    push(id) {
      const addedToken = added.get(id);
      if (addedToken?.special) return '';
      if (addedToken) return utf8.decode() + addedToken.content;
      const token = hub.id_to_token(id);
      if (token === undefined) return '';
      const bytes: number[] = [];
      for (const character of token) bytes.push(BYTES.get(character) ?? 0);
      return utf8.decode(Uint8Array.from(bytes), { stream: true });
    },
    end: () => utf8.decode(),
  };
}

/** For all other decoders: decode everything again and hold back what may still change. */
function redecodingDecoder(hub: HubTokenizer, decode: (ids: readonly number[]) => string): StreamDecoder {
  const ids: number[] = [];
  let emitted = '';
  const emit = (text: string): string => {
    const piece = text.slice(emitted.length);
    emitted = text;
    return piece;
  };
  return {
    push(id) {
      ids.push(id);
      // One more byte can change the text of the whole run of byte tokens before it.
      if (isByteToken(hub.id_to_token(id) ?? '')) return '';
      const text = decode(ids);
      return text.endsWith('\ufffd') || !text.startsWith(emitted) ? '' : emit(text);
    },
    end: () => emit(decode(ids)),
  };
}

/**
 * @param hub borrowed
 * @param decoderJson the "decoder" part of tokenizer.json
 * @param decode text of ids without special tokens
 */
export function createStreamDecoder(hub: HubTokenizer, decoderJson: unknown, decode: (ids: readonly number[]) => string): StreamDecoder {
  return isByteLevel(decoderJson) ? byteLevelDecoder(hub) : redecodingDecoder(hub, decode);
}
