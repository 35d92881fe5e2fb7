/** Instantiates our SIMD kernels on the heap of tfjs' WASM backend, so that they read and write its tensors without copies. */
import { EngineError } from '../../base/errors.ts';
import type { WasmHost } from '../wasmHost.ts';
import { plainSimdBase64, relaxedSimdBase64 } from './simdBinary.ts';

/** A kernel as exported: its share of the work is `chunk` of `chunks`; the rest are sizes, numbers and addresses (bytes). */
type SimdKernel = (chunk: number, chunks: number, ...values: number[]) => void;

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
  /** Whether the fused multiply-add build is in use. */
  relaxed: boolean;
  /** A pointer to at least `sizeBytes` of scratch, aligned to 16; valid until the next call. May grow the heap: take views after it. */
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
}

const sizeOf = (tensor: HeapTensor): number => tensor.shape.reduce((a, b) => a * b, 1);

const instances = new WeakMap<object, Simd>();

function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

function instantiate(memory: WebAssembly.Memory): { kernels: Record<string, SimdKernel>; relaxed: boolean } {
  const relaxedBytes = fromBase64(relaxedSimdBase64);
  const relaxed = WebAssembly.validate(relaxedBytes);
  const module = new WebAssembly.Module(relaxed ? relaxedBytes : fromBase64(plainSimdBase64));
  const abort = (): never => {
    throw new EngineError('internal', 'A SIMD kernel aborted.');
  };
  const { exports } = new WebAssembly.Instance(module, { env: { memory, abort, log: Math.log } });
  return { kernels: exports as unknown as Record<string, SimdKernel>, relaxed };
}

/** The kernels for this backend; one instance a backend. Compiles synchronously (a few KB), which workers and Node allow. */
export function openSimd(backend: WasmHost): Simd {
  const known = instances.get(backend);
  if (known) return known;
  const { memory } = backend.wasm.asm;
  let pointer = 0;
  let capacity = 0;
  const { kernels, relaxed } = instantiate(memory);
  const simd: Simd = {
    relaxed,
    run: (name, chunks, ...values) => {
      const kernel = kernels[name];
      if (!kernel || kernel.length !== values.length + 2) throw new EngineError('internal', kernel ? `SIMD kernel ${name} takes ${kernel.length - 2} values, not ${values.length}.` : `There is no SIMD kernel ${name}.`);
      for (let chunk = 0; chunk < chunks; chunk++) kernel(chunk, chunks, ...values);
    },
    parallel: () => 1,
    scratch: (sizeBytes) => {
      if (sizeBytes > capacity) {
        if (pointer !== 0) backend.wasm._free(pointer);
        // malloc returns a signed number above 2 GiB.
        pointer = backend.wasm._malloc(sizeBytes) >>> 0;
        if (pointer === 0) throw new EngineError('out-of-memory', `The WebAssembly heap has no room for ${sizeBytes} bytes.`);
        capacity = sizeBytes;
      }
      return pointer;
    },
    i32: (tensor) => new Int32Array(memory.buffer, tensor.at, sizeOf(tensor)),
    f32: (tensor) => new Float32Array(memory.buffer, tensor.at, sizeOf(tensor)),
    f64: (at, count) => new Float64Array(memory.buffer, at, count),
  };
  instances.set(backend, simd);
  return simd;
}
