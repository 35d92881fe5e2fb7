/**
 * Rotary positions as configs state them, in the words of transformers 4 (`rope_theta`, `rope_scaling`) and 5 (`rope_parameters`). Not for the
 * frequencies that follow (config/rope.ts).
 */
import { z } from 'zod';
import type { RopeConfig, RopeScaling } from '../rope.ts';
import { badConfig, contextLength, frequencyBase, unsupported } from './rawConfig.ts';

const factor = z.number().positive().max(1e6);

/** `rope_scaling` of transformers 4, `rope_parameters` of 5. */
export const ropeParameters = z
  .object({
    rope_type: z.string().nullish(),
    type: z.string().nullish(),
    rope_theta: frequencyBase.nullish(),
    partial_rotary_factor: z.number().positive().max(1).nullish(),
    factor: factor.nullish(),
    low_freq_factor: factor.nullish(),
    high_freq_factor: factor.nullish(),
    original_max_position_embeddings: contextLength.nullish(),
    attention_factor: factor.nullish(),
    beta_fast: factor.nullish(),
    beta_slow: factor.nullish(),
    truncate: z.boolean().nullish(),
  })
  .loose();

type RawRope = z.output<typeof ropeParameters>;

/** The keys of families with one RoPE for all layers. */
export const ropeKeys = {
  rope_theta: frequencyBase.nullish(),
  rope_scaling: ropeParameters.nullish(),
  rope_parameters: ropeParameters.nullish(),
  partial_rotary_factor: z.number().positive().max(1).nullish(),
};

interface RopeDefaults {
  headDim: number;
  maxPositionEmbeddings: number;
  /** Where `raw` does not say. */
  theta: number;
  /** Share of a head that is rotated where `raw` does not say. */
  partialRotaryFactor?: number;
  /** Families whose attention rotates whole heads only. */
  wholeHeads?: boolean;
}

function scalingOf(raw: RawRope, { maxPositionEmbeddings }: RopeDefaults): RopeScaling | null {
  const type = raw.rope_type ?? raw.type ?? 'default';
  if (type === 'default') return null;
  if (type !== 'linear' && type !== 'llama3' && type !== 'yarn') throw unsupported(`RoPE scaling of rope_type ${JSON.stringify(type).slice(0, 60)} is not supported; supported: default, linear, llama3, yarn`);
  const required = (key: 'factor' | 'low_freq_factor' | 'high_freq_factor'): number => {
    const value = raw[key];
    if (value == null) throw badConfig(`RoPE scaling of rope_type "${type}" needs ${key}`);
    return value;
  };
  if (type === 'linear') return { type, factor: required('factor') };
  const originalMaxPositionEmbeddings = raw.original_max_position_embeddings ?? maxPositionEmbeddings;
  if (type === 'yarn') {
    if (raw['mscale'] != null || raw['mscale_all_dim'] != null) throw unsupported('RoPE scaling with mscale is not supported; supported: attention_factor');
    const betas = { betaFast: raw.beta_fast ?? 32, betaSlow: raw.beta_slow ?? 1 };
    if (betas.betaFast < betas.betaSlow) throw badConfig(`beta_fast ${betas.betaFast} must not be smaller than beta_slow ${betas.betaSlow}`);
    return { type, factor: required('factor'), originalMaxPositionEmbeddings, ...betas, attentionFactor: raw.attention_factor ?? null, truncate: raw.truncate ?? true };
  }
  const scaling = { type, factor: required('factor'), lowFreqFactor: required('low_freq_factor'), highFreqFactor: required('high_freq_factor') } as const;
  if (scaling.highFreqFactor <= scaling.lowFreqFactor) throw badConfig(`high_freq_factor ${scaling.highFreqFactor} must be larger than low_freq_factor ${scaling.lowFreqFactor}`);
  return { ...scaling, originalMaxPositionEmbeddings };
}

/** @throws EngineError bad-config, unsupported */
export function ropeOf(raw: RawRope, defaults: RopeDefaults): RopeConfig {
  const { headDim, theta, partialRotaryFactor = 1, wholeHeads = true } = defaults;
  const share = raw.partial_rotary_factor ?? partialRotaryFactor;
  if (wholeHeads && share !== 1) throw unsupported(`partial_rotary_factor ${share} is not supported in this family; supported: 1`);
  const rotaryDim = Math.trunc(headDim * share);
  if (rotaryDim < 2 || rotaryDim % 2 !== 0) throw unsupported(`RoPE over ${rotaryDim} of ${headDim} values of a head is not supported; supported: even numbers`);
  return { theta: raw.rope_theta ?? theta, rotaryDim, scaling: scalingOf(raw, defaults) };
}

/** RoPE of a family with one for all layers. `rope_scaling` goes before `rope_parameters`, as in transformers 5. @throws EngineError bad-config, unsupported */
export function singleRopeOf(raw: { [Key in keyof typeof ropeKeys]?: z.output<(typeof ropeKeys)[Key]> }, defaults: RopeDefaults): RopeConfig {
  const stated = raw.rope_scaling ?? raw.rope_parameters ?? {};
  if ('full_attention' in stated || 'sliding_attention' in stated) throw unsupported('rope_parameters of their own for each layer type are not supported in this family');
  return ropeOf(
    { ...stated, rope_theta: stated.rope_theta ?? raw.rope_parameters?.rope_theta ?? raw.rope_theta, partial_rotary_factor: stated.partial_rotary_factor ?? raw.partial_rotary_factor },
    defaults,
  );
}
