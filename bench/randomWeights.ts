/** Random weights of LMs, by Hugging Face name, for benchmarks. */
import type { Rng } from '../src/base/rng.ts';
import type { LmConfig } from '../src/config/lm.ts';

export function randomWeights(config: LmConfig, rng: Rng): Map<string, { shape: number[]; data: Float32Array }> {
  const weights = new Map<string, { shape: number[]; data: Float32Array }>();
  const add = (name: string, shape: number[], scale: number, center = 0): void => {
    weights.set(name, { shape, data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => center + rng.normal() * scale) });
  };
  const { hiddenSize: C, intermediateSize: F, vocabSize: V, headDim: K, numAttentionHeads: H, numKeyValueHeads: G } = config;
  add('model.embed_tokens.weight', [V, C], 0.02);
  for (let i = 0; i < config.numHiddenLayers; i++) {
    const layer = `model.layers.${i}.`;
    add(`${layer}input_layernorm.weight`, [C], 0.01, 1);
    add(`${layer}post_attention_layernorm.weight`, [C], 0.01, 1);
    add(`${layer}self_attn.q_proj.weight`, [H * K, C], 0.05);
    add(`${layer}self_attn.k_proj.weight`, [G * K, C], 0.05);
    add(`${layer}self_attn.v_proj.weight`, [G * K, C], 0.05);
    add(`${layer}self_attn.o_proj.weight`, [C, H * K], 0.05);
    add(`${layer}mlp.gate_proj.weight`, [F, C], 0.05);
    add(`${layer}mlp.up_proj.weight`, [F, C], 0.05);
    add(`${layer}mlp.down_proj.weight`, [C, F], 0.05);
  }
  add('model.norm.weight', [C], 0.01, 1);
  if (!config.tieWordEmbeddings) add('lm_head.weight', [V, C], 0.05);
  return weights;
}

/** Of a GPT-2 with a tied head: normal with deviation 0.02 around 0, gains around 1, biases too. Linear weights are Conv1D, [in, out]. */
export function randomGpt2Weights(size: { vocabSize: number; hiddenSize: number; numLayers: number; seqLength: number; rng: Rng }): Map<string, { shape: number[]; data: Float32Array }> {
  const { vocabSize: V, hiddenSize: C, numLayers, seqLength: P, rng } = size;
  const weights = new Map<string, { shape: number[]; data: Float32Array }>();
  const add = (name: string, shape: number[], center = 0): void => {
    const length = shape.reduce((a, b) => a * b, 1);
    weights.set(name, { shape, data: Float32Array.from({ length }, () => center + rng.normal() * 0.02) });
  };
  const norm = (name: string): void => {
    add(`${name}.weight`, [C], 1);
    add(`${name}.bias`, [C]);
  };
  const linear = (name: string, inSize: number, outSize: number): void => {
    add(`${name}.weight`, [inSize, outSize]);
    add(`${name}.bias`, [outSize]);
  };
  add('transformer.wte.weight', [V, C]);
  add('transformer.wpe.weight', [P, C]);
  for (let i = 0; i < numLayers; i++) {
    const h = `transformer.h.${i}`;
    norm(`${h}.ln_1`);
    linear(`${h}.attn.c_attn`, C, 3 * C);
    linear(`${h}.attn.c_proj`, C, C);
    norm(`${h}.ln_2`);
    linear(`${h}.mlp.c_fc`, C, 4 * C);
    linear(`${h}.mlp.c_proj`, 4 * C, C);
  }
  norm('transformer.ln_f');
  return weights;
}
