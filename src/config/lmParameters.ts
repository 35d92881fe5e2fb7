/**
 * Which parameters an LM has, by their Hugging Face names, what each is for, and their shapes. Follows from the config alone.
 * Not for values (storedForm.ts says how files hold them).
 */
import type { LinearNames, NormNames, ParameterNames } from './families/family.ts';
import { familyOf } from './families/registry.ts';
import type { LmConfig } from './lmConfig.ts';

export type { LayerNames, LinearNames, NormNames, ParameterNames } from './families/family.ts';

/** What each parameter is for. */
export const parameterNames = (config: LmConfig): ParameterNames => familyOf(config).names(config);

/**
 * Parameter name to shape, in the order of the model: linear layers [out, in], but [in, out] in GPT-2 (Conv1D). A tied head is not listed: it
 * is the embedding.
 */
export function parameterShapes(config: LmConfig): Map<string, number[]> {
  const { vocabSize: V, hiddenSize: C, intermediateSize: F, headDim: K, numAttentionHeads: H, numKeyValueHeads: G } = config;
  const names = parameterNames(config);
  const shapes = new Map<string, number[]>([[names.embedding, [V, C]]]);
  if (names.positions) shapes.set(names.positions, [config.maxPositionEmbeddings, C]);
  const norm = (found: NormNames | null, size = C): void => {
    if (!found) return;
    shapes.set(found.gain, [size]);
    if (found.bias) shapes.set(found.bias, [size]);
  };
  /** @param outputs of the parts, which one parameter may hold together */
  const linear = ({ weights, biases }: LinearNames, input: number, outputs: number[]): void => {
    const sizes = weights.length === 1 ? [outputs.reduce((sum, size) => sum + size, 0)] : outputs;
    weights.forEach((name, i) => shapes.set(name, config.weightLayout === 'inOut' ? [input, sizes[i]!] : [sizes[i]!, input]));
    biases.forEach((name, i) => shapes.set(name, [sizes[i]!]));
  };
  for (const layer of names.layers) {
    norm(layer.attentionNorm);
    linear(layer.qkv, C, [H * K, G * K, G * K]);
    norm(layer.queryNorm, K);
    norm(layer.keyNorm, K);
    linear(layer.attentionOutput, H * K, [C]);
    norm(layer.postAttentionNorm);
    norm(layer.mlpNorm);
    linear(layer.mlpInput, C, config.gatedMlp ? [F, F] : [F]);
    linear(layer.mlpOutput, F, [C]);
    norm(layer.postMlpNorm);
  }
  norm(names.finalNorm);
  if (names.head !== names.embedding) shapes.set(names.head, [V, C]);
  return shapes;
}

/** How many numbers the LM has; a tied head counts once. */
export function countParameters(config: LmConfig): number {
  let count = 0;
  for (const shape of parameterShapes(config).values()) count += shape.reduce((product, dim) => product * dim, 1);
  return count;
}

/** The name that the LM uses for a tensor of a file: older files of some families name theirs differently. */
export const canonicalName = (config: LmConfig, name: string): string => familyOf(config).canonicalName(name);

/** Tensors of a file that change nothing: RoPE tables and causal masks of old checkpoints, the copy of a head that is tied anyway. @param name canonical */
export function isLeftover(config: LmConfig, name: string): boolean {
  const family = familyOf(config);
  return family.isLeftover(name) || (config.tieWordEmbeddings && name === family.headName);
}
