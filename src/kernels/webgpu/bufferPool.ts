/**
 * GPU buffers for reuse, in place of tfjs' buffer manager, whose free lists know exact sizes only and never shrink. Storage buffers come in
 * size classes, so that batches of other lengths reuse them, and what lies free is given back to the driver, the longest unused first, once
 * more is allocated than the work of late has needed.
 */
import { EngineError } from '../../base/errors.ts';
import type { BufferManager } from './webGpuHost.ts';

export const storageUsage = 0x80 | 0x4 | 0x8; // GPUBufferUsage.STORAGE | COPY_SRC | COPY_DST: what tensors have

/** From this size on a buffer is exactly as large as asked for, bytes: an eighth of a large slab is too much to waste. */
const exactFromBytes = 32 * 2 ** 20;

/** Multiples of an eighth of the power of two below; at least 256 bytes. */
function classBytes(sizeBytes: number, usage: number): number {
  if (usage !== storageUsage || sizeBytes >= exactFromBytes) return sizeBytes;
  const step = Math.max(256, 2 ** (Math.floor(Math.log2(Math.max(1, sizeBytes))) - 3));
  return Math.max(step, Math.ceil(sizeBytes / step) * step);
}

/** Usage flags fit in 10 bits (GPUBufferUsage); sizes in 42. */
const keyOf = (sizeBytes: number, usage: number): number => sizeBytes * 1024 + usage;

/** Below this nothing is given back, bytes: small pools are not worth the work. */
const floorBytes = 64 * 2 ** 20;

/** Up to this many times the largest live size, free buffers may wait for their next use however long; the sizes in use differ within a step. */
const patientFactor = 1.25;

/** Above this they go at once; in between, when unused for `patienceSubmits`: some steps. */
const hardFactor = 2;
const patienceSubmits = 64;

/** The largest live size is that of this many to twice as many submits: longer than a step, but a change of work does not go unnoticed for long. */
const windowSubmits = 128;

export interface BufferPoolOptions {
  floorBytes?: number;
  /** Told before a buffer is destroyed. */
  onDestroy?: (buffer: GPUBuffer) => void;
}

/** Takes the place of tfjs' BufferManager. Owns its buffers until they are destroyed. */
export class BufferPool implements BufferManager {
  /** Bytes that users asked for. */
  numBytesUsed = 0;
  /** Bytes of all buffers, in use or free. */
  numBytesAllocated = 0;
  /** Largest `numBytesUsed` since `resetPeak`. */
  peakBytesUsed = 0;
  private readonly used = new Map<GPUBuffer, number>();
  /** Free buffers and the number of submits before their release, the longest unused first. */
  private readonly free = new Map<GPUBuffer, number>();
  private readonly freeByKey = new Map<number, Set<GPUBuffer>>();
  /** Buffers in the order of their creation. */
  private readonly serials = new WeakMap<GPUBuffer, number>();
  private created = 0;
  private freeBytes = 0;
  private submits = 0;
  private peakNow = 0;
  private peakBefore = 0;
  private disposed = false;

  constructor(
    private readonly device: GPUDevice,
    private readonly options: BufferPoolOptions = {},
  ) {}

  /** @param mappedAtCreation of a new buffer; a reused one is never mapped. @param reuse false for a new buffer in any case */
  acquireBuffer(sizeBytes: number, usage: number, mappedAtCreation = false, reuse = true): GPUBuffer {
    const allocated = classBytes(sizeBytes, usage);
    const free = reuse ? this.takeFree(allocated, usage, this.submits) : null;
    return this.use(free ?? this.create(allocated, usage, mappedAtCreation), sizeBytes);
  }

  /** A tensor's buffer that no recorded but unsubmitted command uses, so that the queue may write to it before them; null if none is free. */
  acquireIdle(sizeBytes: number): GPUBuffer | null {
    const free = this.takeFree(classBytes(sizeBytes, storageUsage), storageUsage, this.submits - 1);
    return free && this.use(free, sizeBytes);
  }

  /**
   * The oldest of the free buffers, not the one released last: then a step that does what the step before did gets the same buffers for
   * the same tensors, and its bind groups are there already. @param before only buffers released up to this number of submits
   */
  private takeFree(allocated: number, usage: number, before: number): GPUBuffer | null {
    let oldest: GPUBuffer | null = null;
    for (const buffer of this.freeByKey.get(keyOf(allocated, usage)) ?? []) {
      if ((this.free.get(buffer) as number) <= before && (!oldest || this.serialOf(buffer) < this.serialOf(oldest))) oldest = buffer;
    }
    if (oldest) this.takeOut(oldest);
    return oldest;
  }

  private serialOf(buffer: GPUBuffer): number {
    return this.serials.get(buffer) as number;
  }

  private takeOut(buffer: GPUBuffer): void {
    this.free.delete(buffer);
    this.freeBytes -= buffer.size;
    const key = keyOf(buffer.size, buffer.usage);
    const list = this.freeByKey.get(key) as Set<GPUBuffer>;
    list.delete(buffer);
    if (list.size === 0) this.freeByKey.delete(key);
  }

  private use(buffer: GPUBuffer, sizeBytes: number): GPUBuffer {
    this.used.set(buffer, sizeBytes);
    this.numBytesUsed += sizeBytes;
    this.peakBytesUsed = Math.max(this.peakBytesUsed, this.numBytesUsed);
    this.peakNow = Math.max(this.peakNow, this.numBytesAllocated - this.freeBytes);
    return buffer;
  }

  private create(sizeBytes: number, usage: number, mappedAtCreation: boolean): GPUBuffer {
    this.numBytesAllocated += sizeBytes;
    // Makes room first, as far as buffers lie free that no unsubmitted command refers to.
    this.giveBack(this.submits - 1);
    const buffer = this.device.createBuffer({ size: sizeBytes, usage, mappedAtCreation });
    this.serials.set(buffer, this.created++);
    return buffer;
  }

  /** @param reuse false to destroy the buffer, which then must not be used by unsubmitted commands */
  releaseBuffer(buffer: GPUBuffer, reuse = true): void {
    const sizeBytes = this.used.get(buffer);
    if (sizeBytes === undefined) {
      // After dispose every buffer is gone, and tensors may still be let go.
      if (this.disposed) return;
      throw new EngineError('internal', `A GPU buffer of ${buffer.size} bytes was released that is not in use.`);
    }
    this.used.delete(buffer);
    this.numBytesUsed -= sizeBytes;
    if (!reuse) return this.destroy(buffer);
    const key = keyOf(buffer.size, buffer.usage);
    const list = this.freeByKey.get(key);
    if (list) list.add(buffer);
    else this.freeByKey.set(key, new Set([buffer]));
    this.free.set(buffer, this.submits);
    this.freeBytes += buffer.size;
  }

  private destroy(buffer: GPUBuffer): void {
    this.options.onDestroy?.(buffer);
    this.numBytesAllocated -= buffer.size;
    buffer.destroy();
  }

  /** Destroys free buffers, the longest unused first, as the bounds above say; none that was released after submit number `before`. */
  private giveBack(before: number): void {
    const peak = Math.max(this.peakNow, this.peakBefore, this.numBytesAllocated - this.freeBytes);
    const floor = this.options.floorBytes ?? floorBytes;
    const hard = Math.max(hardFactor * peak, floor);
    const patient = Math.max(patientFactor * peak, floor);
    for (const [buffer, releasedAt] of this.free) {
      const limit = this.submits - releasedAt >= patienceSubmits ? patient : hard;
      if (this.numBytesAllocated <= limit || releasedAt > before) return;
      this.drop(buffer);
    }
  }

  private drop(buffer: GPUBuffer): void {
    this.takeOut(buffer);
    this.destroy(buffer);
  }

  /** To be called after every submit: no command that is recorded refers to a free buffer now. */
  afterSubmit(): void {
    this.submits++;
    this.giveBack(this.submits);
    if (this.submits % windowSubmits > 0) return;
    this.peakBefore = this.peakNow;
    this.peakNow = this.numBytesAllocated - this.freeBytes;
  }

  /** Destroys every free buffer and forgets the peaks; to be called when nothing recorded is unsubmitted. */
  trim(): void {
    for (const buffer of this.free.keys()) this.drop(buffer);
    this.peakBefore = 0;
    this.peakNow = this.numBytesAllocated;
  }

  resetPeak(): void {
    this.peakBytesUsed = this.numBytesUsed;
  }

  getNumUsedBuffers(): number {
    return this.used.size;
  }

  getNumFreeBuffers(): number {
    return this.free.size;
  }

  dispose(): void {
    this.disposed = true;
    for (const buffer of [...this.used.keys(), ...this.free.keys()]) this.destroy(buffer);
    this.used.clear();
    this.free.clear();
    this.freeByKey.clear();
    this.numBytesUsed = 0;
    this.freeBytes = 0;
  }
}
