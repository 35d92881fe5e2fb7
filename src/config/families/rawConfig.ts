/**
 * Pieces that the families' schemas of `config.json` share, with upper bounds: a config is refused before anything is sized by it.
 * Not for what a single family has.
 */
import { z } from 'zod';
import { EngineError } from '../../base/errors.ts';
import type { LayerType, LmConfig } from '../lmConfig.ts';

const whole = z.number().int();
export const layerCount = whole.min(1).max(1024);
export const headCount = whole.min(1).max(1024);
export const headSize = whole.min(1).max(1024);
export const width = whole.min(1).max(1 << 18);
export const vocabulary = whole.min(1).max(1 << 22);
export const contextLength = whole.min(1).max(1 << 27);
export const windowLength = whole.min(1).max(1 << 27);
export const epsilon = z.number().positive().max(1);
export const frequencyBase = z.number().gt(1).max(1e15);
const tokenId = whole.min(0).max(1 << 22);
const eosTokenIds = z.union([tokenId, z.array(tokenId).max(1000)]);

/** Keys that every config may have. */
export const commonKeys = {
  bos_token_id: tokenId.nullish(),
  eos_token_id: eosTokenIds.nullish(),
  // Some early llama configs say -1 for none.
  pad_token_id: whole.min(-1).max(1 << 22).nullish(),
  quantization_config: z.object({ quant_method: z.string().optional() }).loose().nullish(),
};

/** Keys of a decoder in llama's words, all but their defaults. */
export const decoderKeys = {
  vocab_size: vocabulary,
  hidden_size: width,
  intermediate_size: width,
  num_hidden_layers: layerCount,
  num_attention_heads: headCount,
  num_key_value_heads: headCount.nullish(),
  head_dim: headSize.nullish(),
};

export const unsupported = (what: string): EngineError => new EngineError('unsupported', `config.json: ${what}.`);
export const badConfig = (what: string): EngineError => new EngineError('bad-config', `config.json: ${what}.`);

/** Numbers of the wrong size come from strangers: shown, but not at any length. */
const shown = (value: unknown): string => (JSON.stringify(value) ?? String(value)).slice(0, 80);

/** @throws EngineError bad-config naming the first key that does not fit, and its value */
export function parseAs<Schema extends z.ZodType>(schema: Schema, untrusted: unknown): z.output<Schema> {
  const parsed = schema.safeParse(untrusted);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  if (!issue) throw badConfig('invalid');
  const value = issue.path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown> | null | undefined)?.[key], untrusted);
  throw badConfig(`${issue.path.join('.') || 'file'}: ${issue.message}${issue.path.length > 0 ? ` (it is ${shown(value)})` : ''}`);
}

type RawCommon = { [Key in keyof typeof commonKeys]?: z.output<(typeof commonKeys)[Key]> };

/** @throws EngineError unsupported for weights that need a scheme of their own to be read */
export function tokenIdsOf({ bos_token_id: bos, eos_token_id: eos, pad_token_id: pad, quantization_config: quantization }: RawCommon): Pick<LmConfig, 'bosTokenId' | 'eosTokenIds' | 'padTokenId'> {
  if (quantization) throw unsupported(`quantization_config (${shown(quantization.quant_method ?? 'of an unknown kind')}) is not supported; take the repository with the weights in float32, float16 or bfloat16`);
  return { bosTokenId: bos ?? null, eosTokenIds: eos == null ? [] : Array.isArray(eos) ? eos : [eos], padTokenId: pad == null || pad < 0 ? null : pad };
}

/** Names of activations in configs, and ours. */
const activations: Record<string, LmConfig['hiddenAct']> = { silu: 'silu', swish: 'silu', gelu: 'gelu', gelu_new: 'gelu_new', gelu_pytorch_tanh: 'gelu_new', gelu_fast: 'gelu_new' };

/** @param allowed ours @throws EngineError unsupported naming option, value and what there is */
export function activationOf(option: string, value: string, allowed: readonly LmConfig['hiddenAct'][]): LmConfig['hiddenAct'] {
  const found = Object.hasOwn(activations, value) ? activations[value] : undefined;
  if (found && allowed.includes(found)) return found;
  const names = Object.keys(activations).filter((name) => allowed.includes(activations[name]!));
  throw unsupported(`${option} ${shown(value)} is not supported; supported: ${names.join(', ')}`);
}

/** Heads of attention, checked against each other. @throws EngineError bad-config */
export function headsOf(raw: { hidden_size: number; num_attention_heads: number; num_key_value_heads?: number | null | undefined; head_dim?: number | null | undefined }): Pick<LmConfig, 'numAttentionHeads' | 'numKeyValueHeads' | 'headDim'> {
  const numAttentionHeads = raw.num_attention_heads;
  const numKeyValueHeads = raw.num_key_value_heads ?? numAttentionHeads;
  const headDim = raw.head_dim ?? raw.hidden_size / numAttentionHeads;
  if (!Number.isInteger(headDim)) throw badConfig(`hidden_size ${raw.hidden_size} must be a multiple of num_attention_heads ${numAttentionHeads}, or head_dim be given`);
  if (numAttentionHeads % numKeyValueHeads !== 0) throw badConfig(`num_attention_heads ${numAttentionHeads} must be a multiple of num_key_value_heads ${numKeyValueHeads}`);
  return { numAttentionHeads, numKeyValueHeads, headDim };
}

export const layerTypeList = z.array(z.string()).max(1024).nullish();

/**
 * @param listed `layer_types`; null: made by `otherwise`
 * @throws EngineError bad-config for another length than the layers, unsupported for a kind of layer that the engine lacks
 */
export function layerTypesOf(listed: readonly string[] | null | undefined, numHiddenLayers: number, otherwise: (layer: number) => LayerType): LayerType[] {
  if (!listed) return Array.from({ length: numHiddenLayers }, (_, layer) => otherwise(layer));
  if (listed.length !== numHiddenLayers) throw badConfig(`layer_types has ${listed.length} entries for ${numHiddenLayers} layers`);
  return listed.map((type) => {
    if (type !== 'full_attention' && type !== 'sliding_attention') throw unsupported(`layer_types with ${shown(type)} are not supported; supported: full_attention, sliding_attention`);
    return type;
  });
}
