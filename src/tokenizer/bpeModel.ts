/**
 * The "model" of a tokenizer.json: byte-pair encoding, over the BPE of @huggingface/tokenizers. Checked before the library sees it, which
 * takes what it gets. Other models (Unigram, WordPiece, WordLevel) are refused: their ids were not checked against Python tokenizers.
 */
import { BPE } from '@huggingface/tokenizers';
import { EngineError } from '../base/errors.ts';
import { badPart, isObject, type Json } from './tokenizerPart.ts';

export interface BpeModel {
  /** Ids of one piece that pre-tokenizing left. */
  encode(piece: string): number[];
  idOf(token: string): number | undefined;
  tokenOf(id: number): string | undefined;
  readonly largestId: number;
}

/** Above every vocabulary in use (262 144 is the largest), and small enough that a table of ids is no danger. */
export const MAX_TOKEN_ID = (1 << 21) - 1;

function readVocab(value: unknown): Map<string, number> {
  if (!isObject(value)) throw badPart('model', '"vocab" must be an object of tokens and ids.');
  const idOf = new Map<string, number>();
  const seen = new Set<number>();
  for (const [token, id] of Object.entries(value)) {
    if (!Number.isInteger(id) || (id as number) < 0 || (id as number) > MAX_TOKEN_ID) throw badPart('model', `the id of ${JSON.stringify(token.slice(0, 40))} must be a whole number from 0 to ${MAX_TOKEN_ID}.`);
    if (seen.has(id as number)) throw badPart('model', `the id ${String(id)} stands for two tokens.`);
    seen.add(id as number);
    idOf.set(token, id as number);
  }
  if (idOf.size === 0) throw badPart('model', 'the vocabulary is empty.');
  return idOf;
}

/** Both forms: "a b" and ["a", "b"]. */
function readMerges(value: unknown, idOf: ReadonlyMap<string, number>): [string, string][] {
  if (!Array.isArray(value)) throw badPart('model', '"merges" must be a list.');
  return value.map((merge: unknown, i) => {
    const parts: unknown = typeof merge === 'string' ? merge.split(' ') : merge;
    if (!Array.isArray(parts) || parts.length !== 2 || typeof parts[0] !== 'string' || typeof parts[1] !== 'string') throw badPart('model', `merge ${i} is not a pair of tokens.`);
    const pair = parts as [string, string];
    for (const token of [...pair, pair[0] + pair[1]]) if (!idOf.has(token)) throw badPart('model', `merge ${i} names ${JSON.stringify(token.slice(0, 40))}, which is not in the vocabulary.`);
    return pair;
  });
}

/** Oldest files do not name their model's type. */
function assertBpe(model: Json): void {
  const type = model['type'] ?? (Array.isArray(model['merges']) ? 'BPE' : Array.isArray(model['vocab']) ? 'Unigram' : 'unknown');
  if (type !== 'BPE')
    throw new EngineError(
      'unsupported',
      `tokenizer.json: a tokenizer of the type ${typeof type === 'string' ? JSON.stringify(type.slice(0, 40)) : 'that is not named'} is not supported, only BPE is (byte-level, or SentencePiece-style with byte fallback): its ids were not checked against Python tokenizers. Choose a model with a BPE tokenizer, such as GPT-2, Pythia, SmolLM2, Llama, Qwen or Gemma.`,
    );
  for (const name of ['continuing_subword_prefix', 'end_of_word_suffix'])
    if (model[name] !== undefined && model[name] !== null && model[name] !== '')
      throw new EngineError('unsupported', `tokenizer.json: model: "${name}" is not supported: its ids were not checked against Python tokenizers.`);
}

/** Models that were opened, by the JSON they are from: another chat template needs the same one again, and 580 000 merges (Gemma) take seconds. */
const opened = new WeakMap<object, BpeModel>();

/** @param json borrowed; not to be changed afterwards @throws EngineError bad-file | unsupported */
export function createBpeModel(json: unknown): BpeModel {
  if (!isObject(json)) throw badPart('model', 'is missing; is it the file of a fast (Rust) tokenizer?');
  const known = opened.get(json);
  if (known) return known;
  const model = openBpeModel(json);
  opened.set(json, model);
  return model;
}

function openBpeModel(json: Json): BpeModel {
  assertBpe(json);
  const idOf = readVocab(json['vocab']);
  const merges = readMerges(json['merges'], idOf);
  const unkToken = json['unk_token'] ?? null;
  if (unkToken !== null && typeof unkToken !== 'string') throw badPart('model', '"unk_token" must be text.');
  const unkId = unkToken === null ? undefined : idOf.get(unkToken);
  if (unkToken !== null && unkId === undefined) throw badPart('model', `"unk_token" ${JSON.stringify(unkToken.slice(0, 40))} is not in the vocabulary.`);
  const [fuseUnk, byteFallback, ignoreMerges] = ['fuse_unk', 'byte_fallback', 'ignore_merges'].map((name) => {
    const value = json[name] ?? false;
    if (typeof value !== 'boolean') throw badPart('model', `"${name}" must be true or false.`);
    return value;
  });
  // Fusing is done here: the library fuses across pieces, Rust within one.
  const bpe = new BPE({ type: 'BPE', vocab: json['vocab'], merges, unk_token: unkToken, byte_fallback: byteFallback, ignore_merges: ignoreMerges, fuse_unk: false } as never);
  const tokens = new Map([...idOf].map(([token, id]) => [id, token]));
  return {
    idOf: (token) => idOf.get(token),
    tokenOf: (id) => tokens.get(id),
    largestId: [...tokens.keys()].reduce((largest, id) => Math.max(largest, id), 0),
    encode(piece) {
      const ids: number[] = [];
      for (const token of bpe.encode([piece])) {
        const id = idOf.get(token);
        if (id === undefined || (fuseUnk && id === unkId && ids.at(-1) === unkId)) continue;
        ids.push(id);
      }
      return ids;
    },
  };
}
