/** What we use of tfjs' WebGPU backend: its fields in 4.22, some of them private to TypeScript only. Types only. */
import type * as tf from '@tensorflow/tfjs-core';

/** A stock program's uniform, as tfjs hands it to `makeUniforms`. */
export interface StockUniform {
  type: 'int32' | 'uint32' | 'float32';
  data: number[];
}

/** What tfjs asks of its buffer manager. */
export interface BufferManager {
  readonly numBytesUsed: number;
  readonly numBytesAllocated: number;
  acquireBuffer(sizeBytes: number, usage: number, mappedAtCreation?: boolean, reuse?: boolean): GPUBuffer;
  releaseBuffer(buffer: GPUBuffer, reuse?: boolean): void;
  getNumUsedBuffers(): number;
  getNumFreeBuffers(): number;
  dispose(): void;
}

export interface StoredTensor {
  dtype: string;
  shape: number[];
  values: Float32Array | Int32Array | Uint8Array | null;
  resource: GPUBuffer | null;
  refCount: number;
}

export interface WebGpuHost {
  device: GPUDevice;
  queue: GPUQueue;
  commandEncoder: GPUCommandEncoder | null;
  computePassEncoder: GPUComputePassEncoder | null;
  dispatchCountInPass: number;
  commandQueueOwnedIds: WeakSet<object>;
  uniformPendingDisposal: GPUBuffer[];
  bufferManager: BufferManager;
  pipelineCache: Record<string, GPUComputePipeline | Promise<GPUComputePipeline>>;
  tensorMap: { get(dataId: object): StoredTensor };
  makeTensorInfo(shape: number[], dtype: string): tf.TensorInfo;
  uploadToGPU(dataId: object): void;
  makeUniforms(uniforms: StockUniform[]): GPUBufferBinding;
  tensorToBinding(tensor: tf.TensorInfo | null): GPUBufferBinding | null;
  recordAndSubmit(program: unknown, output: tf.TensorInfo, inputs: tf.TensorInfo[], uniforms?: unknown): void;
  read(dataId: object): Promise<Float32Array | Int32Array | Uint8Array>;
  ensureCommandEncoderReady(): void;
  endComputePassEncoder(): void;
  submitQueue(): void;
}
