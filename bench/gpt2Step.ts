/**
 * Workload S: one full fine-tuning step of a small GPT-2 (Hugging Face's: learned positions, LayerNorm, biases, gelu_new, tied head) with
 * AdamW. One definition for every engine: sizes, seeded initial weights, batches, optimizer settings, FLOPs. Not the model itself.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { Rng } from '../src/base/rng.ts';
import { parseTrainConfig, type TrainConfig } from '../src/config/train.ts';
import { createBatch } from '../src/data/batches.ts';
import type { EncodedRow } from '../src/data/encodeTrainingData.ts';
import { randomGpt2Weights } from './randomWeights.ts';

export const gpt2Size = { vocabSize: 2048, hiddenSize: 128, numLayers: 4, numHeads: 4, seqLength: 64, batchSize: 8 } as const;

/** Of workload M: the same kind of LM, 12 layers of width 512, a batch as for LoRA. */
export const mediumSize = { vocabSize: 2048, hiddenSize: 512, numLayers: 12, numHeads: 8, seqLength: 64, batchSize: 4 } as const;

/** Decay acts on matrices only; no clipping. */
export const gpt2AdamW = { learningRate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01 } as const;

export const layerNormEpsilon = 1e-5;
export const tokensPerStep = gpt2Size.batchSize * gpt2Size.seqLength;
/** How many batches the peers take in turn. Ours draws them from the same rows: the same ones at first, then reshuffled. */
export const batchCount = 4;

/** Workload S in the words of our trainer. Clipping is part of it, with a bound out of reach, so that the update is that of the peers. */
export const gpt2TrainConfig: TrainConfig = parseTrainConfig({
  learningRate: gpt2AdamW.learningRate,
  adamBeta1: gpt2AdamW.beta1,
  adamBeta2: gpt2AdamW.beta2,
  adamEpsilon: gpt2AdamW.epsilon,
  weightDecay: gpt2AdamW.weightDecay,
  lrSchedulerType: 'constant',
  warmupSteps: 0,
  maxSteps: 100_000,
  maxGradNorm: 1e9,
  benignPerStep: gpt2Size.batchSize,
  unsafePerStep: 0,
  semanticLambda: 0,
});

/** Hugging Face's config.json of this LM. */
export const gpt2Config = {
  model_type: 'gpt2',
  vocab_size: gpt2Size.vocabSize,
  n_embd: gpt2Size.hiddenSize,
  n_layer: gpt2Size.numLayers,
  n_head: gpt2Size.numHeads,
  n_positions: gpt2Size.seqLength,
  activation_function: 'gelu_new',
  layer_norm_epsilon: layerNormEpsilon,
  tie_word_embeddings: true,
};

export interface Gpt2Data {
  /** By Hugging Face name; linear weights as Conv1D, [in, out]. */
  weights: Map<string, { shape: number[]; data: Float32Array }>;
  /** `inputs` and `labels` are [batchSize, seqLength]: the label of a position is the next token. */
  batches: { inputs: Int32Array; labels: Int32Array }[];
}

/** All rows of S: a token of context, then seqLength tokens to learn. */
export function makeGpt2Rows(): EncodedRow[] {
  const rng = new Rng(2);
  const length = gpt2Size.seqLength + 1;
  return Array.from({ length: batchCount * gpt2Size.batchSize }, () => ({ tokenIds: Int32Array.from({ length }, () => rng.int(gpt2Size.vocabSize)), promptLength: 1 }));
}

/** Same seed, same values, on every machine. */
export function makeGpt2Data(): Gpt2Data {
  const weights = randomGpt2Weights({ ...gpt2Size, rng: new Rng(1) });
  const rows = { unsafe: [], everyday: makeGpt2Rows(), borderline: [] };
  const batches = Array.from({ length: batchCount }, (_, i) => {
    const { inputIds, benign } = createBatch(rows, gpt2TrainConfig, i);
    return { inputs: inputIds, labels: benign.labels };
  });
  return { weights, batches };
}

interface Manifest {
  weights: { name: string; shape: number[]; offset: number }[];
  batches: { inputs: number; labels: number }[];
}

/** Writes `path`.json (names, shapes, byte offsets) and `path`.bin (little-endian float32 and int32), for engines in other processes. */
export function writeGpt2Data(path: string, data: Gpt2Data): void {
  const parts: Uint8Array[] = [];
  let offset = 0;
  const put = (values: Float32Array | Int32Array): number => {
    const at = offset;
    parts.push(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    offset += values.byteLength;
    return at;
  };
  const manifest: Manifest = {
    weights: [...data.weights].map(([name, { shape, data: values }]) => ({ name, shape, offset: put(values) })),
    batches: data.batches.map(({ inputs, labels }) => ({ inputs: put(inputs), labels: put(labels) })),
  };
  writeFileSync(`${path}.json`, JSON.stringify({ size: gpt2Size, adamW: gpt2AdamW, layerNormEpsilon, ...manifest }));
  writeFileSync(`${path}.bin`, Buffer.concat(parts));
}

/** Reads what writeGpt2Data wrote. */
export function readGpt2Data(path: string): Gpt2Data {
  const manifest = JSON.parse(readFileSync(`${path}.json`, 'utf8')) as Manifest;
  const bytes = new Uint8Array(readFileSync(`${path}.bin`)).buffer;
  const weights: Gpt2Data['weights'] = new Map();
  for (const { name, shape, offset } of manifest.weights) {
    weights.set(name, { shape, data: new Float32Array(bytes, offset, shape.reduce((a, b) => a * b, 1)) });
  }
  const batches = manifest.batches.map(({ inputs, labels }) => ({ inputs: new Int32Array(bytes, inputs, tokensPerStep), labels: new Int32Array(bytes, labels, tokensPerStep) }));
  return { weights, batches };
}

/**
 * Floating-point operations of forward and backward of one step: 6 x parameters of matrix products x tokens, and for attention
 * 6 x layers x width x length x tokens (QK and PV with both gradients, half of the square, as the mask leaves that). Norms,
 * activations, softmax and the optimizer are not counted, nor recomputation.
 */
export function modelFlops(size: { vocabSize: number; hiddenSize: number; numLayers: number; seqLength: number; batchSize: number }): number {
  const { vocabSize: V, hiddenSize: C, numLayers: L, seqLength: T, batchSize: B } = size;
  const matMulParameters = L * 12 * C * C + V * C;
  return 6 * matMulParameters * B * T + 6 * L * C * T * B * T;
}
