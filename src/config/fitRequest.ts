/** What is asked of the fit: an LM, settings and a device; and the bytes that are counted. */
import type { LmConfig } from './lm.ts';
import type { TrainConfig } from './train.ts';

/** What the device allows. */
export interface DeviceLimits {
  backend: 'webgpu' | 'wasm';
  /** Largest tensor that a kernel can see, bytes (on WebGPU the smaller of maxBufferSize and maxStorageBufferBindingSize). */
  maxTensorBytes: number;
  /** Largest tensor that only kernels use which read it in windows of rows: tables of the vocabulary. As `maxTensorBytes` if left out. */
  maxTableBytes?: number;
  /** All that may be used, bytes, where that is known: the heap of WASM; null on WebGPU, which tells nobody. */
  totalBytes: number | null;
}

/** Estimated bytes. */
export interface FitBytes {
  /** Of the frozen LM as it is stored, and of the trained copy or the adapter. */
  weights: number;
  /** The frozen embeddings that the semantic cost is measured in. */
  costEmbedding: number;
  gradients: number;
  optimizer: number;
  /** The peak of one micro-batch whose rows are all maxLength long. */
  activations: number;
  /** Of generation at `decodingRows`. */
  kvCache: number;
  /** The peak: activations and the cache are never held at once, so the larger of them counts. */
  total: number;
}

/** What is to be fitted. */
export interface FitRequest {
  config: LmConfig;
  /** How the frozen matrices lie on the device. */
  storage: 'f32' | 'f16' | 'bf16';
  limits: DeviceLimits;
  training: Pick<TrainConfig, 'benignPerStep' | 'unsafePerStep' | 'maxLength' | 'gradientCheckpointing'> &
    Partial<Pick<TrainConfig, 'semanticLambda' | 'klBeta' | 'lora'>>;
  method: 'full' | 'lora';
  /** Rows decoded together; 0 for training alone; left out: as many as an evaluation does, if they fit. */
  decodingRows?: number;
}
