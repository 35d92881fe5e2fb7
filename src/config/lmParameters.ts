/**
 * Which parameters an LM has, by their Hugging Face names, and their shapes. Follows from the config alone.
 * Not for values.
 */
import type { LmConfig } from './lm.ts';

/** Names of the parameters outside the layers. */
export const EMBEDDING_NAME = 'model.embed_tokens.weight';
export const FINAL_NORM_NAME = 'model.norm.weight';
export const HEAD_NAME = 'lm_head.weight';

/** Parameter name to shape ([out, in] for linear layers), in the order of the model. A tied head is not listed: it is the embedding. */
export function parameterShapes(config: LmConfig): Map<string, number[]> {
  const { vocabSize: V, hiddenSize: C, intermediateSize: F, headDim: K, numAttentionHeads: H, numKeyValueHeads: G } = config;
  const shapes = new Map<string, number[]>([[EMBEDDING_NAME, [V, C]]]);
  for (let layer = 0; layer < config.numHiddenLayers; layer++) {
    const at = `model.layers.${layer}`;
    shapes.set(`${at}.input_layernorm.weight`, [C]);
    shapes.set(`${at}.self_attn.q_proj.weight`, [H * K, C]);
    shapes.set(`${at}.self_attn.k_proj.weight`, [G * K, C]);
    shapes.set(`${at}.self_attn.v_proj.weight`, [G * K, C]);
    shapes.set(`${at}.self_attn.o_proj.weight`, [C, H * K]);
    shapes.set(`${at}.post_attention_layernorm.weight`, [C]);
    shapes.set(`${at}.mlp.gate_proj.weight`, [F, C]);
    shapes.set(`${at}.mlp.up_proj.weight`, [F, C]);
    shapes.set(`${at}.mlp.down_proj.weight`, [C, F]);
  }
  shapes.set(FINAL_NORM_NAME, [C]);
  if (!config.tieWordEmbeddings) shapes.set(HEAD_NAME, [V, C]);
  return shapes;
}

/** How many numbers the LM has; a tied head counts once. */
export function countParameters(config: LmConfig): number {
  let count = 0;
  for (const shape of parameterShapes(config).values()) count += shape.reduce((product, dim) => product * dim, 1);
  return count;
}
