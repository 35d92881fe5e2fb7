/** The parameter names that llama began and later families kept, with the parts that each feature adds. */
import type { LmConfig } from '../lmConfig.ts';
import { layerIndices, type LinearNames, type NormNames, type ParameterNames } from './family.ts';

/** An untied head, in every family but GPT-NeoX. */
export const HEAD_NAME = 'lm_head.weight';
const EMBEDDING = 'model.embed_tokens.weight';

const norm = (name: string): NormNames => ({ gain: `${name}.weight`, bias: null });

export function decoderNames(config: LmConfig): ParameterNames {
  return {
    embedding: EMBEDDING,
    positions: null,
    finalNorm: norm('model.norm'),
    head: config.tieWordEmbeddings ? EMBEDDING : HEAD_NAME,
    layers: layerIndices(config).map((layer) => {
      const at = `model.layers.${layer}`;
      const linear = (biased: boolean, ...names: string[]): LinearNames => ({
        weights: names.map((name) => `${at}.${name}.weight`),
        biases: biased ? names.map((name) => `${at}.${name}.bias`) : [],
      });
      const sandwich = config.sandwichNorms;
      return {
        attentionNorm: norm(`${at}.input_layernorm`),
        qkv: linear(config.qkvBias, 'self_attn.q_proj', 'self_attn.k_proj', 'self_attn.v_proj'),
        queryNorm: config.qkNorm ? norm(`${at}.self_attn.q_norm`) : null,
        keyNorm: config.qkNorm ? norm(`${at}.self_attn.k_norm`) : null,
        attentionOutput: linear(config.attentionOutputBias, 'self_attn.o_proj'),
        postAttentionNorm: sandwich ? norm(`${at}.post_attention_layernorm`) : null,
        // Gemma gave llama's name of this norm to the one after attention.
        mlpNorm: norm(sandwich ? `${at}.pre_feedforward_layernorm` : `${at}.post_attention_layernorm`),
        mlpInput: linear(config.mlpBias, 'mlp.gate_proj', 'mlp.up_proj'),
        mlpOutput: linear(config.mlpBias, 'mlp.down_proj'),
        postMlpNorm: sandwich ? norm(`${at}.post_feedforward_layernorm`) : null,
      };
    }),
  };
}

/** What a file of such a family may hold besides. */
export const decoderFiles = {
  headName: HEAD_NAME,
  canonicalName: (name: string): string => name,
  isLeftover: (name: string): boolean => name.endsWith('.rotary_emb.inv_freq'),
};
