/**
 * Whether an LM fits a device: bytes for weights, gradients, optimizer and activations from config and settings alone, against the limits of
 * the device. Estimated; `measureStep` measures.
 */
import type { LmConfig } from './lm.ts';
import type { TrainConfig } from './train.ts';

/** What the device allows. */
export interface DeviceLimits {
  backend: 'webgpu' | 'wasm';
  /** Largest tensor that a kernel can see, bytes (on WebGPU the smaller of maxBufferSize and maxStorageBufferBindingSize). */
  maxTensorBytes: number;
  /** All that may be used, bytes, where that is known: the heap of WASM; null on WebGPU, which tells nobody. */
  totalBytes: number | null;
}

/** Estimated bytes. */
export interface FitBytes {
  weights: number;
  /** The frozen embeddings that the semantic cost is measured in. */
  costEmbedding: number;
  gradients: number;
  optimizer: number;
  activations: number;
  kvCache: number;
  total: number;
}

export interface FitReport {
  verdict: 'fits' | 'tight' | 'wontFit';
  /** Why, one sentence each. */
  reasons: string[];
  bytes: FitBytes;
  method: 'full' | 'lora';
}

/** What is to be fitted. */
export interface FitRequest {
  config: LmConfig;
  storage: 'f32' | 'f16' | 'bf16';
  limits: DeviceLimits;
  training: Pick<TrainConfig, 'benignPerStep' | 'unsafePerStep' | 'maxLength' | 'gradientCheckpointing'>;
  method: 'full' | 'lora';
}
