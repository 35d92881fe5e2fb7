/**
 * Bytes that training and generation hold on the device, counted from config and settings as lm, train and kernels/headLoss hold them.
 * Not for the verdict (fit.ts). A test holds the counts to the peaks that are measured.
 */
import type { FitBytes, FitRequest } from './fitRequest.ts';
import { defaultEvaluationConfig } from './evaluation.ts';
import { defaultGenerationConfig } from './generation.ts';
import type { LmConfig } from './lm.ts';
import { parameterShapes } from './lmParameters.ts';
import { type LoraConfig, loraConfigSchema } from './lora.ts';
import { targetedModules } from './loraModules.ts';
import { defaultTrainConfig } from './train.ts';

const FLOAT_BYTES = 4;
const HALF_BYTES = 2;
/** Values of a slab are laid out in runs of this many. */
const SLAB_ALIGNMENT = 64;

const sizeOf = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);
const alignUp = (size: number): number => Math.ceil(size / SLAB_ALIGNMENT) * SLAB_ALIGNMENT;

/** A tensor and its bytes, named for a person. */
export interface NamedBytes {
  what: string;
  bytes: number;
  /** Read in windows of rows where it is larger than what a program may see. */
  isTable: boolean;
}

/** Values of all matrices, and of all vectors (norms, biases), padding included. */
function countValues(config: LmConfig): { matrices: number; vectors: number } {
  let [matrices, vectors] = [0, 0];
  for (const shape of parameterShapes(config).values())
    if (shape.length > 1) matrices += alignUp(sizeOf(shape));
    else vectors += alignUp(sizeOf(shape));
  return { matrices, vectors };
}

/** Positions whose sines and cosines an LM has from the start; more come when longer rows do (lm/ropes.ts). */
const FIRST_POSITIONS = 1024;

/** Sines and cosines. */
function ropeTableBytes({ rope, localRope, maxPositionEmbeddings }: LmConfig): number {
  return [rope, localRope].reduce((sum, one) => sum + (one?.rotaryDim ?? 0) * Math.min(FIRST_POSITIONS, maxPositionEmbeddings) * FLOAT_BYTES, 0);
}

/** How many numbers an adapter of these settings has. @throws EngineError bad-config for targets that the LM lacks */
export function countAdapterParameters(config: LmConfig, { r, targetModules }: LoraConfig): number {
  return targetedModules(config, targetModules).reduce((sum, { inputs, outputs }) => sum + r * (inputs + outputs), 0);
}

/** The frozen LM as it lies on the device: matrices as they are stored, vectors and tables of positions in float32. */
export function frozenBytes(config: LmConfig, storage: FitRequest['storage']): number {
  const { matrices, vectors } = countValues(config);
  return matrices * (storage === 'f32' ? FLOAT_BYTES : HALF_BYTES) + vectors * FLOAT_BYTES + ropeTableBytes(config);
}

/** As kernels/headLoss/tilePlan.ts, which config may not import; a test holds the two together. */
export function planLossTiles(N: number, V: number, C: number, maxColumns = Infinity): { floats: number; rows: number; whole: boolean } {
  if (4 * N * V <= 8 * 2 ** 20 && V <= maxColumns) return { floats: N * V, rows: N, whole: true };
  const rows = Math.min(N, Math.max(128, alignUp(N / 4)));
  const tileBytes = Math.max(2 ** 19, N * C);
  const columns = Math.min(V, maxColumns, Math.max(SLAB_ALIGNMENT, Math.floor(tileBytes / (4 * rows) / SLAB_ALIGNMENT) * SLAB_ALIGNMENT));
  return { floats: rows * columns, rows, whole: false };
}

/** Numbers that one token leaves for the way back in one layer, its input included; and what its way back holds besides at most. */
function layerFloats(config: LmConfig, dropout: boolean): { kept: number; backward: number; inner: number } {
  const { hiddenSize: C, intermediateSize: F, numAttentionHeads: H, numKeyValueHeads: G, headDim: K, gatedMlp, qkNorm, sandwichNorms, parallelResidual } = config;
  const qkv = (H + 2 * G) * K;
  const inner = gatedMlp ? 2 * F : F;
  const sandwich = sandwichNorms ? C : 0;
  const attention = 2 * C + qkv + (qkNorm ? qkv : 0) + H * K + H + sandwich;
  const mlp = (parallelResidual ? C : 2 * C) + inner + F + sandwich;
  // gradY, gradient of the activated values, gradient of what they came from (what the norm after the MLP kept is gone by then); or an adapter's
  // dropout: its input, the gradient of that, and that behind the mask; or the same of attention.
  const backward = Math.max(C + F + inner - sandwich, dropout ? C + sandwich + 4 * F : 0, 2 * C + H * K + qkv - sandwich);
  return { kept: attention + mlp, backward, inner };
}

/** The peak of one micro-batch on top of everything that lasts from step to step, bytes. Every row is taken to be maxLength long and all response. */
function microBatchBytes({ config, storage, limits, training, method }: FitRequest): number {
  const { vocabSize: V, hiddenSize: C } = config;
  const { benignPerStep, unsafePerStep, maxLength, gradientCheckpointing, klBeta = defaultTrainConfig.klBeta, semanticLambda = defaultTrainConfig.semanticLambda } = training;
  const T = maxLength - 1;
  const R = (benignPerStep + unsafePerStep) * T;
  const Nb = benignPerStep * T;
  const Nu = semanticLambda > 0 ? unsafePerStep * T : 0;
  const layer = layerFloats(config, method === 'lora' && (training.lora?.loraDropout ?? 0) > 0);
  const layers = config.numHiddenLayers;
  const kept = R * (gradientCheckpointing ? (layers + 1) * C : layers * layer.kept + C);
  const again = gradientCheckpointing ? R * (layer.kept - C) : 0;
  const packed = storage !== 'f32';
  // As much of a table as a program may see at once, in runs that slices of it may begin at.
  const maxColumns = Math.max(128, 128 * Math.floor(limits.maxTensorBytes / ((packed ? HALF_BYTES : FLOAT_BYTES) * C) / 128));
  const [benign, unsafe] = [planLossTiles(Nb, V, C, maxColumns), planLossTiles(Nu, V, C, maxColumns)];
  const anchored = klBeta > 0;
  // One tile of all logits is kept for the way back, but not beside an anchor; else a tile lives as long as it is worked on.
  const keptBenign = benign.whole ? benign.floats : 0;
  const keptUnsafe = unsafe.whole && !anchored ? unsafe.floats : 0;
  // Rows of a packed table have lengths of their own: what is kept is multiplied with them in a second tile, the labels' rows are decoded.
  const tilesForward = keptUnsafe > 0 ? (packed ? unsafe.floats : 0) : unsafe.floats + (anchored ? unsafe.floats : 0);
  const tilesBackward = (keptUnsafe > 0 ? 0 : unsafe.floats) + unsafe.floats + (anchored && packed ? unsafe.floats : 0);
  const parts = (Nb + Nu) * C;
  const stats = 8 * (Nb + Nu);
  // Directions of the semantic distance, and the hidden states of the anchor.
  const directions = Nu * C * (anchored ? 2 : 1);
  const lossForward = R * C + parts + keptBenign + keptUnsafe + directions + Math.max(tilesForward, packed ? 2 * Nu * C : 0);
  const lossBackward = parts + Nb * C + keptUnsafe + directions + tilesBackward + (unsafe.whole ? Nu * C : unsafe.rows * C);
  // What the losses leave behind stays until the step ends: hidden states of the response tokens, their gradients, both in one piece.
  const bodyBackward = 3 * parts + again + R * layer.backward;
  return FLOAT_BYTES * (kept + stats + Math.max(lossForward, lossBackward, bodyBackward));
}

/** Slots that generation of the default length takes a row, as generate/generate.ts rounds them. */
const cacheSlots = (maxLength: number): number => Math.ceil((maxLength + defaultGenerationConfig.maxNewTokens + 63) / 16) * 16;

/** A generation's cache takes no more than this: further rows wait until others end. */
export const MOST_CACHE_BYTES = 2 ** 29;

/** Rows that decode together: as many as asked for, unless their cache would be too large. @param slots of each @returns at least one */
export function rowsOfCache(config: LmConfig, asked: number, slots: number): number {
  return Math.max(1, Math.min(asked, Math.floor(MOST_CACHE_BYTES / kvCacheBytes(config, 1, slots))));
}

/** Keys and values of a batch of rows that decode together. */
export function kvCacheBytes(config: LmConfig, batchSize: number, slots: number): number {
  return 2 * config.numHiddenLayers * config.numKeyValueHeads * config.headDim * batchSize * slots * FLOAT_BYTES;
}

/** What decoding holds besides the cache: the prompts' widest layer and the logits. */
function decodingBytes(config: LmConfig, batchSize: number, promptLength: number): number {
  const layer = layerFloats(config, false);
  return FLOAT_BYTES * (batchSize * promptLength * (3 * config.hiddenSize + layer.inner + config.intermediateSize) + 2 * batchSize * config.vocabSize);
}

/**
 * All of it.
 * @param askedRows rows that a generation is to decode together, fewer where their cache would be too large; 0 for training alone
 * @returns bytes by purpose, and tensors by name, the largest first
 */
export function countFitBytes(request: FitRequest, askedRows: number = defaultEvaluationConfig.batchSize): { bytes: FitBytes; tensors: NamedBytes[] } {
  const { config, storage, training, method } = request;
  const { semanticLambda = defaultTrainConfig.semanticLambda } = training;
  const { vocabSize: V, hiddenSize: C } = config;
  const { matrices, vectors } = countValues(config);
  const valueBytes = storage === 'f32' ? FLOAT_BYTES : HALF_BYTES;
  const slab = FLOAT_BYTES * (method === 'full' ? matrices + vectors : alignUp(countAdapterParameters(config, training.lora ?? loraConfigSchema.parse({}))));
  // A packed table serves as it is, with the lengths of its rows beside it.
  const costEmbedding = semanticLambda > 0 && training.unsafePerStep > 0 ? FLOAT_BYTES * V * (storage === 'f32' ? C : 1) : 0;
  const slots = cacheSlots(training.maxLength);
  const batchSize = askedRows === 0 ? 0 : rowsOfCache(config, askedRows, slots);
  const kvCache = kvCacheBytes(config, batchSize, slots);
  // A copy that is trained has tables of its own.
  const weights = frozenBytes(config, storage) + slab + (method === 'full' ? ropeTableBytes(config) : 0);
  const activations = microBatchBytes(request);
  const lasting = weights + costEmbedding + 3 * slab;
  const bytes: FitBytes = {
    weights,
    costEmbedding,
    gradients: slab,
    optimizer: 2 * slab,
    activations,
    kvCache,
    total: lasting + Math.max(activations, kvCache + decodingBytes(config, batchSize, training.maxLength)),
  };
  const R = (training.benignPerStep + training.unsafePerStep) * (training.maxLength - 1);
  const tensors: NamedBytes[] = [
    { what: `the token embedding [${V}, ${C}]`, bytes: V * C * valueBytes, isTable: true },
    { what: `the embedding that the semantic cost is measured in [${V}, ${C}]`, bytes: costEmbedding, isTable: true },
    { what: 'the widest activation of a micro-batch', bytes: FLOAT_BYTES * R * layerFloats(config, false).inner, isTable: false },
    ...(method === 'full' ? [{ what: 'the slab of all parameters of a full fine-tune', bytes: slab, isTable: false }] : []),
  ];
  return { bytes, tensors: tensors.sort((a, b) => b.bytes - a.bytes) };
}
