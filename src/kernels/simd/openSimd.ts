/** Instantiates our SIMD kernels on the heap of tfjs' WASM backend, so that they read and write its tensors without copies. */
import { EngineError } from '../../base/errors.ts';
import type { WasmHost } from '../wasmHost.ts';
import { plainSimdBase64, relaxedSimdBase64 } from './simdBinary.ts';

/** What the module exports; pointers and sizes in bytes, strides too. */
export interface SimdExports {
  matMulScratch(M: number, N: number, K: number): number;
  matMul(M: number, N: number, K: number, a: number, aRow: number, aColumn: number, b: number, bRow: number, bColumn: number, c: number, scratch: number): void;
}

/** The kernels on one heap, with scratch memory that grows on demand and stays. */
export interface Simd {
  kernels: SimdExports;
  /** Whether the fused multiply-add build is in use. */
  relaxed: boolean;
  /** A pointer to at least `sizeBytes` of scratch; valid until the next call. May grow the heap: take views after it. */
  scratch(sizeBytes: number): number;
}

const instances = new WeakMap<object, Simd>();

function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

function instantiate(memory: WebAssembly.Memory): { kernels: SimdExports; relaxed: boolean } {
  const relaxedBytes = fromBase64(relaxedSimdBase64);
  const relaxed = WebAssembly.validate(relaxedBytes);
  const module = new WebAssembly.Module(relaxed ? relaxedBytes : fromBase64(plainSimdBase64));
  const abort = (): never => {
    throw new EngineError('internal', 'A SIMD kernel aborted.');
  };
  const { exports } = new WebAssembly.Instance(module, { env: { memory, abort } });
  return { kernels: exports as unknown as SimdExports, relaxed };
}

/** The kernels for this backend; one instance a backend. Compiles synchronously (a few KB), which workers and Node allow. */
export function openSimd(backend: WasmHost): Simd {
  const known = instances.get(backend);
  if (known) return known;
  let pointer = 0;
  let capacity = 0;
  const simd: Simd = {
    ...instantiate(backend.wasm.asm.memory),
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
  };
  instances.set(backend, simd);
  return simd;
}
