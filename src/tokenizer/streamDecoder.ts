/**
 * Text of a response while its tokens arrive one by one. A character may span several tokens:
 * its text comes out with the last of them. Pieces joined are the text decoded as a whole.
 */
import { bytesOfToken } from './byteAlphabet.ts';
import { isByteToken } from './byteFallback.ts';
import { isByteLevel } from './decoder.ts';

export interface StreamDecoder {
  /** Takes the next id; returns the text that is now certain, often ''. */
  push(id: number): string;
  /** After the last id: what is left, with U+FFFD for a character that was never completed. */
  end(): string;
}

/** The token of an id that is to be shown; null for special tokens and for ids without a token. */
export type VisibleToken = (id: number) => string | null;

/** Exact and O(1) a token: a streaming UTF-8 decoder keeps the bytes of an unfinished character. */
function byteLevelDecoder(visibleToken: VisibleToken): StreamDecoder {
  const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });
  return {
    push(id) {
      const token = visibleToken(id);
      return token === null ? '' : utf8.decode(bytesOfToken(token), { stream: true });
    },
    end: () => utf8.decode(),
  };
}

/**
 * For all other decoders: decodes the tokens since the last certain text again. The one token before them is decoded along, because
 * the first token of a text may lose its leading space.
 */
function redecodingDecoder(visibleToken: VisibleToken, decode: (tokens: string[]) => string): StreamDecoder {
  let before: string[] = [];
  let open: string[] = [];
  const certain = (): string => {
    const text = decode([...before, ...open]).slice(before.length === 0 ? 0 : decode(before).length);
    if (open.length > 0) before = open.slice(-1);
    open = [];
    return text;
  };
  return {
    push(id) {
      const token = visibleToken(id);
      if (token === null) return '';
      open.push(token);
      // One more byte can change the text of the whole run of byte tokens before it.
      return isByteToken(token) ? '' : certain();
    },
    end: certain,
  };
}

/**
 * @param decoderJson the "decoder" part of tokenizer.json
 * @param decode text of tokens
 */
export function createStreamDecoder(decoderJson: unknown, visibleToken: VisibleToken, decode: (tokens: string[]) => string): StreamDecoder {
  return isByteLevel(decoderJson) ? byteLevelDecoder(visibleToken) : redecodingDecoder(visibleToken, decode);
}
