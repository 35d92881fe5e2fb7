/** Instantiates our SIMD kernels on the heap of tfjs' WASM backend, so that they read and write its tensors without copies. */
import { EngineError } from '../../base/errors.ts';
import type { PackedStorage } from '../packed.ts';
import type { WasmHost } from '../wasmHost.ts';
import { withSharedMemory } from './sharedMemory.ts';
import { plainSimdBase64, relaxedSimdBase64 } from './simdBinary.ts';
import { type SimdKernel, ThreadPool } from './threadPool.ts';
import { ThreadTuner } from './threadTuner.ts';

/** The kernels on one heap, with scratch memory that grows on demand and stays. */
export interface Simd {
  /**
   * Runs all chunks of a kernel and returns when they are done. The convention of the kernels stands in assembly/simd.ts.
   * @param chunks how many shares to cut the work into: `parallel(work)`. Results do not depend on it.
   * @throws EngineError internal for an unknown kernel or the wrong number of arguments
   */
  run(name: string, chunks: number, ...values: number[]): void;
  /** How many chunks to cut `work` floating-point operations into (an exp counts as about 10): 1 when it is too small to share. */
  parallel(work: number): number;
  /** Threads that share the work, the caller's included. */
  readonly threads: number;
  /** Whether the fused multiply-add build is in use. */
  relaxed: boolean;
  /** A pointer to at least `sizeBytes` of scratch, aligned to 64; valid until the next call. May grow the heap: take views after it. */
  scratch(sizeBytes: number): number;
  /** Views of tensors in the heap; valid until the heap grows. */
  i32(tensor: HeapTensor): Int32Array;
  f32(tensor: HeapTensor): Float32Array;
  /** `count` float64 values at an address that is a multiple of 8; valid until the heap grows. */
  f64(at: number, count: number): Float64Array;
}

/** A tensor as a SIMD kernel sees it. */
export interface HeapTensor {
  shape: number[];
  /** Address of the first value in the heap, bytes. */
  at: number;
  /** Undefined for float32 and int32. */
  storage?: PackedStorage | undefined;
}

const sizeOf = (tensor: HeapTensor): number => tensor.shape.reduce((a, b) => a * b, 1);

/** What belongs to one backend. */
interface Opened {
  simd: Simd;
  module: WebAssembly.Module;
  kernels: Record<string, SimdKernel>;
  pool: ThreadPool | null;
}

const instances = new WeakMap<object, Opened>();

/** Work below this is not worth a chunk of its own: handing one over costs about as much as computing it. */
const workPerChunk = 1e5;
/** More chunks than threads, so that a thread that comes late or is held up leaves its share to the others. */
const chunksPerThread = 4;

function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

const isShared = (memory: WebAssembly.Memory): boolean => typeof SharedArrayBuffer !== 'undefined' && memory.buffer instanceof SharedArrayBuffer;

function instantiate(memory: WebAssembly.Memory): { module: WebAssembly.Module; kernels: Record<string, SimdKernel>; relaxed: boolean } {
  const relaxedBytes = fromBase64(relaxedSimdBase64);
  const relaxed = WebAssembly.validate(relaxedBytes);
  const bytes = relaxed ? relaxedBytes : fromBase64(plainSimdBase64);
  const module = new WebAssembly.Module(isShared(memory) ? withSharedMemory(bytes) : bytes);
  const abort = (): never => {
    throw new EngineError('internal', 'A SIMD kernel aborted.');
  };
  const { exports } = new WebAssembly.Instance(module, { env: { memory, abort, log: Math.log } });
  return { module, kernels: exports as unknown as Record<string, SimdKernel>, relaxed };
}

function openOn(backend: WasmHost): Opened {
  const known = instances.get(backend);
  if (known) return known;
  const { memory } = backend.wasm.asm;
  const { module, kernels, relaxed } = instantiate(memory);
  const indices = new Map(Object.keys(kernels).map((name, i) => [name, i]));
  const tuner = new ThreadTuner();
  let pointer = 0;
  let capacity = 0;
  /** Of the last `parallel`, for the tuner. */
  let lastWork = 0;
  const alone = (kernel: SimdKernel, chunks: number, values: number[]): void => {
    for (let chunk = 0; chunk < chunks; chunk++) kernel(chunk, chunks, ...values);
  };
  const simd: Simd = {
    relaxed,
    get threads() {
      return opened.pool?.threads ?? 1;
    },
    run: (name, chunks, ...values) => {
      const kernel = kernels[name];
      if (!kernel || kernel.length !== values.length + 2) throw new EngineError('internal', kernel ? `SIMD kernel ${name} takes ${kernel.length - 2} values, not ${values.length}.` : `There is no SIMD kernel ${name}.`);
      const { pool } = opened;
      if (pool === null || chunks === 1) alone(kernel, chunks, values);
      else tuner.run(name, lastWork, (expectedMs) => pool.run(indices.get(name) as number, chunks, values, expectedMs), () => alone(kernel, chunks, values));
    },
    parallel: (work) => {
      lastWork = work;
      return Math.max(1, Math.min(Math.floor(work / workPerChunk), simd.threads === 1 ? 1 : simd.threads * chunksPerThread));
    },
    scratch: (sizeBytes) => {
      if (sizeBytes > capacity) {
        if (pointer !== 0) backend.wasm._free(pointer);
        // malloc returns a signed number above 2 GiB, aligned to 8 or 16 bytes; panels should begin at a cache line.
        pointer = backend.wasm._malloc(sizeBytes + 64) >>> 0;
        if (pointer === 0) throw new EngineError('out-of-memory', `The WebAssembly heap has no room for ${sizeBytes} bytes.`);
        capacity = sizeBytes;
      }
      return pointer + ((64 - (pointer % 64)) % 64);
    },
    // A memory that grows gets a new buffer, also a shared one: views are made anew each time.
    i32: (tensor) => new Int32Array(memory.buffer, tensor.at, sizeOf(tensor)),
    f32: (tensor) => new Float32Array(memory.buffer, tensor.at, sizeOf(tensor)),
    f64: (at, count) => new Float64Array(memory.buffer, at, count),
  };
  const opened: Opened = { simd, module, kernels, pool: null };
  instances.set(backend, opened);
  return opened;
}

/** The kernels for this backend; one instance a backend. Compiles synchronously (a few KB), which workers and Node allow. */
export const openSimd = (backend: WasmHost): Simd => openOn(backend).simd;

/**
 * Lets `threads` threads share the kernels of this backend, whose memory must be shared.
 * @throws EngineError unsupported if a helper does not start; the kernels then go on with one thread
 */
export async function openThreads(backend: WasmHost, threads: number): Promise<void> {
  const opened = openOn(backend);
  if (opened.pool || threads < 2) return;
  opened.pool = await ThreadPool.open(opened.module, backend.wasm.asm.memory, opened.kernels, threads);
}

/** Ends the helper threads of this backend, if it has any; its kernels go on with one. */
export function closeThreads(backend: WasmHost): void {
  const opened = instances.get(backend);
  opened?.pool?.close();
  if (opened) opened.pool = null;
}
