/** Identity of prompts: the same text in the same set always gets the same id. Not a cryptographic hash. */
import type { PromptSet } from './prompt.ts';

/** What counts as the same prompt: Unicode form, case, white space and the kind of quotes do not matter. */
export function normalisePromptText(text: string): string {
  return text.normalize('NFKC').toLowerCase().replace(/[\u2018\u2019]/g, "'").replace(/[\u201c\u201d]/g, '"').replace(/\s+/g, ' ').trim();
}

/** 64 bits of a string as 16 hex digits: two multiply-xor lanes over UTF-16 code units, mixed at the end. */
export function hashText(text: string): string {
  let a = 0x9dc5811c | 0;
  let b = 0x2c1b3c6d | 0;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    a = Math.imul(a ^ c, 0x01000193);
    b = Math.imul((b << 13) | (b >>> 19), 0x7feb352d) ^ Math.imul(c + 1, 0x846ca68b);
  }
  const mix = (h: number) => {
    h = Math.imul(h ^ (h >>> 16), 0x21f0aaad);
    h = Math.imul(h ^ (h >>> 15), 0x735a2d97);
    return (h ^ (h >>> 15)) >>> 0;
  };
  const hex = (h: number) => h.toString(16).padStart(8, '0');
  return hex(mix(a ^ text.length)) + hex(mix(b ^ a));
}

/** The id of an imported or typed prompt. */
export const promptIdOf = (text: string, set: PromptSet) => `p-${hashText(`${set}\n${normalisePromptText(text)}`)}`;
