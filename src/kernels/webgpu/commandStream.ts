/**
 * Makes tfjs' command stream ours: one encoder for stock kernels and our own, with uniforms kept by content, bind groups kept by buffers,
 * a buffer pool that gives back, and reads that keep nothing. Installed once on a backend, before it computes anything.
 *
 * Differs from tfjs in when a disposed tensor's buffer may be used again: at once, not after the submit. That is sound because every
 * write to a tensor's buffer is a command in order (a dispatch, a copy), except uploads by the queue, which take buffers that no
 * unsubmitted command uses.
 */
import * as tf from '@tensorflow/tfjs-core';
import { EngineError } from '../../base/errors.ts';
import { BindGroups } from './bindGroups.ts';
import { BufferPool, storageUsage } from './bufferPool.ts';
import { countCalls, gpuCounters } from './gpuCounters.ts';
import { Pipelines, type WantedPipeline } from './pipelines.ts';
import { packStockUniforms } from './stockUniforms.ts';
import { UniformArena } from './uniformArena.ts';
import type { StoredTensor, WebGpuHost } from './webGpuHost.ts';

/** Dispatches recorded before a submit; measured on a software adapter, where 15, 32 and 64 differ by less than the noise. */
export const dispatchesPerSubmit = 32;

const uniformUsage = 0x40 | 0x8; // GPUBufferUsage.UNIFORM | COPY_DST
const readBackUsage = 0x1 | 0x8; // GPUBufferUsage.MAP_READ | COPY_DST
const mapRead = 0x1; // GPUMapMode.READ

/** What a dry run found to compile. */
export interface Recording {
  wanted: Map<string, WantedPipeline>;
}

/** All numbers on the device have four bytes; complex ones are two of them. */
function bytesOf({ dtype, shape }: StoredTensor): number {
  return (dtype === 'complex64' ? 8 : 4) * tf.util.sizeFromShape(shape);
}

/** Nothing is held back until the submit; see the head of the file. */
const nothingOwned = { add: () => nothingOwned, has: () => false, delete: () => false } as unknown as WeakSet<object>;

export class CommandStream {
  readonly pool: BufferPool;
  readonly bindGroups: BindGroups;
  readonly pipelines: Pipelines;
  private readonly arena: UniformArena;
  /** Set during a dry run: programs are noted, not dispatched, and reads give zeros. */
  recording: Recording | null = null;

  constructor(private readonly backend: WebGpuHost) {
    const { device } = backend;
    countCalls(device);
    this.bindGroups = new BindGroups(device);
    this.pipelines = new Pipelines(device, this.bindGroups);
    this.pool = new BufferPool(device, { onDestroy: (buffer) => this.bindGroups.forget(buffer) });
    this.arena = new UniformArena(backend.queue, this.pool.acquireBuffer(UniformArena.sizeBytes(), uniformUsage));
    this.replaceMethods();
  }

  private replaceMethods(): void {
    const { backend } = this;
    backend.bufferManager = this.pool;
    Object.defineProperty(backend, 'commandQueueOwnedIds', { get: () => nothingOwned, set: () => {} });
    const submitQueue = backend.submitQueue.bind(backend);
    backend.submitQueue = () => {
      submitQueue();
      this.pool.afterSubmit();
      this.arena.afterSubmit();
    };
    const recordAndSubmit = backend.recordAndSubmit.bind(backend);
    backend.recordAndSubmit = (...args) => {
      gpuCounters.programs++;
      recordAndSubmit(...args);
    };
    const makeUniforms = backend.makeUniforms.bind(backend);
    backend.makeUniforms = (uniforms) => this.arena.locate(packStockUniforms(uniforms)) ?? makeUniforms(uniforms);
    backend.tensorToBinding = (tensor) => (tensor ? this.bindingOf(tensor.dataId) : null);
    const uploadToGPU = backend.uploadToGPU.bind(backend);
    backend.uploadToGPU = (dataId) => {
      if (this.recording) return;
      const data = backend.tensorMap.get(dataId);
      if (data.resource || !data.values || !['float32', 'int32', 'bool'].includes(data.dtype)) return uploadToGPU(dataId);
      this.upload(data, data.values);
    };
    const read = backend.read.bind(backend);
    backend.read = (dataId) => {
      const data = backend.tensorMap.get(dataId);
      if (data.values || data.dtype === 'complex64') return read(dataId);
      return this.download(dataId, 0, tf.util.sizeFromShape(data.shape)).then((buffer) => {
        if (data.dtype === 'float32') return new Float32Array(buffer);
        return data.dtype === 'bool' ? Uint8Array.from(new Int32Array(buffer)) : new Int32Array(buffer);
      });
    };
  }

  /** Differs from tfjs: no staging buffer and no end of the compute pass. */
  private upload(data: StoredTensor, values: NonNullable<StoredTensor['values']>): void {
    const typed = data.dtype === 'float32' ? Float32Array.from(values) : Int32Array.from(values);
    const idle = this.pool.acquireIdle(typed.byteLength);
    if (idle) this.backend.queue.writeBuffer(idle, 0, typed);
    data.resource = idle ?? this.createFilled(typed);
    data.values = null;
  }

  private createFilled(values: Float32Array | Int32Array): GPUBuffer {
    const buffer = this.pool.acquireBuffer(values.byteLength, storageUsage, true, false);
    const view = values instanceof Float32Array ? Float32Array : Int32Array;
    new view(buffer.getMappedRange()).set(values);
    buffer.unmap();
    return buffer;
  }

  /** The part of its buffer that a tensor fills. */
  bindingOf(dataId: object, offset = 0, count?: number): GPUBufferBinding {
    const data = this.backend.tensorMap.get(dataId);
    if (!data.resource) throw new EngineError('internal', 'A tensor has no GPU buffer.');
    return { buffer: data.resource, offset: 4 * offset, size: count === undefined ? bytesOf(data) : 4 * count };
  }

  /** Where uniform values are on the device; uploads them if they are not there yet. */
  uniforms(bytes: ArrayBuffer): GPUBufferBinding {
    const located = this.arena.locate(bytes);
    if (located) return located;
    const buffer = this.pool.acquireBuffer(bytes.byteLength, uniformUsage);
    this.backend.queue.writeBuffer(buffer, 0, bytes);
    this.backend.uniformPendingDisposal.push(buffer);
    return { buffer, size: bytes.byteLength };
  }

  /** Records one dispatch in the open pass, and submits when enough are recorded. */
  dispatch(pipeline: GPUComputePipeline, bindGroup: GPUBindGroup, workgroups: readonly [number, number, number]): void {
    const { backend } = this;
    backend.ensureCommandEncoderReady();
    backend.computePassEncoder ??= (backend.commandEncoder as GPUCommandEncoder).beginComputePass();
    backend.computePassEncoder.setPipeline(pipeline);
    backend.computePassEncoder.setBindGroup(0, bindGroup);
    backend.computePassEncoder.dispatchWorkgroups(...workgroups);
    gpuCounters.programs++;
    if (++backend.dispatchCountInPass >= dispatchesPerSubmit) this.flush();
  }

  /** Submits what is recorded. */
  flush(): void {
    this.backend.endComputePassEncoder();
    if (this.backend.commandEncoder) this.backend.submitQueue();
  }

  /**
   * Copies values of a tensor to the host as they are at this point of the stream; what is recorded later, disposal included, does not matter.
   * @param offset of the first value. @param count of values, 4 bytes each. @returns their bytes, owned by the caller; zeros in a dry run
   */
  async download(dataId: object, offset: number, count: number): Promise<ArrayBuffer> {
    const size = 4 * count;
    if (this.recording || size === 0) return new ArrayBuffer(size);
    const { backend, pool } = this;
    backend.uploadToGPU(dataId);
    const staging = pool.acquireBuffer(size, readBackUsage);
    backend.ensureCommandEncoderReady();
    backend.endComputePassEncoder();
    (backend.commandEncoder as GPUCommandEncoder).copyBufferToBuffer(this.bindingOf(dataId).buffer, 4 * offset, staging, 0, size);
    backend.submitQueue();
    try {
      await staging.mapAsync(mapRead);
    } catch (error) {
      pool.releaseBuffer(staging, false);
      throw error;
    }
    const bytes = staging.getMappedRange().slice(0, size);
    staging.unmap();
    pool.releaseBuffer(staging);
    return bytes;
  }
}

const streams = new WeakMap<WebGpuHost, CommandStream>();

/** Puts our command stream under a fresh backend. Safe to call again. */
export function installCommandStream(backend: WebGpuHost): CommandStream {
  const installed = streams.get(backend) ?? new CommandStream(backend);
  streams.set(backend, installed);
  tf.env().set('WEBGPU_DEFERRED_SUBMIT_BATCH_SIZE', dispatchesPerSubmit);
  return installed;
}

/** @throws EngineError internal if the backend was not opened with openBackend */
export function streamOf(backend: WebGpuHost): CommandStream {
  const stream = streams.get(backend);
  if (!stream) throw new EngineError('internal', 'The WebGPU backend was not opened with openBackend: our command stream is not installed on it.');
  return stream;
}
