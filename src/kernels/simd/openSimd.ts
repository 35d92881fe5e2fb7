/** Instantiates our SIMD kernels on the heap of tfjs' WASM backend, so that they read and write its tensors without copies. */
import { EngineError } from '../../base/errors.ts';
import type { WasmHost } from '../wasmHost.ts';
import { plainSimdBase64, relaxedSimdBase64 } from './simdBinary.ts';

/** What the module exports; pointers and sizes in bytes, strides too. */
export interface SimdExports {
  matMulScratch(M: number, N: number, K: number): number;
  matMul(M: number, N: number, K: number, a: number, aRow: number, aColumn: number, b: number, bRow: number, bColumn: number, c: number, scratch: number): void;
  attention(B: number, T: number, S: number, H: number, G: number, K: number, past: number, scale: number, q: number, k: number, v: number, start: number, out: number, logSumExp: number, scores: number): void;
  attentionGrad(
    ...values: [
      ...sizes: [B: number, T: number, S: number, H: number, G: number, K: number, past: number, scale: number],
      ...inputs: [q: number, k: number, v: number, start: number, out: number, logSumExp: number, gradOut: number],
      ...results: [gradQ: number, gradK: number, gradV: number],
    ]
  ): void;
  crossEntropy(N: number, V: number, ignored: number, logits: number, labels: number, nll: number, logSumExp: number): void;
  crossEntropyGrad(N: number, V: number, ignored: number, logits: number, labels: number, logSumExp: number, gradNll: number, gradLogits: number): void;
  rmsNorm(N: number, C: number, eps: number, x: number, weight: number, y: number): void;
  rmsNormGrad(N: number, C: number, eps: number, x: number, weight: number, gradY: number, gradX: number, gradWeight: number): void;
  rope(rows: number, H: number, K: number, direction: number, x: number, cos: number, sin: number, positions: number, out: number): void;
  swiGlu(n: number, gate: number, up: number, out: number): void;
  swiGluGrad(n: number, gate: number, up: number, gradOut: number, gradGate: number, gradUp: number): void;
  adamW(
    ...values: [
      ...tensors: [n: number, param: number, grad: number, m: number, v: number],
      ...numbers: [gradScale: number, keep: number, beta1: number, beta2: number, rest1: number, rest2: number, stepSize: number, rootFactor: number, epsilon: number],
    ]
  ): void;
  sumSquares(n: number, x: number): number;
}

/** The kernels on one heap, with scratch memory that grows on demand and stays. */
export interface Simd {
  kernels: SimdExports;
  /** Whether the fused multiply-add build is in use. */
  relaxed: boolean;
  /** A pointer to at least `sizeBytes` of scratch; valid until the next call. May grow the heap: take views after it. */
  scratch(sizeBytes: number): number;
  /** Views of tensors in the heap; valid until the heap grows. */
  i32(tensor: HeapTensor): Int32Array;
  f32(tensor: HeapTensor): Float32Array;
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

function instantiate(memory: WebAssembly.Memory): { kernels: SimdExports; relaxed: boolean } {
  const relaxedBytes = fromBase64(relaxedSimdBase64);
  const relaxed = WebAssembly.validate(relaxedBytes);
  const module = new WebAssembly.Module(relaxed ? relaxedBytes : fromBase64(plainSimdBase64));
  const abort = (): never => {
    throw new EngineError('internal', 'A SIMD kernel aborted.');
  };
  const { exports } = new WebAssembly.Instance(module, { env: { memory, abort, log: Math.log } });
  return { kernels: exports as unknown as SimdExports, relaxed };
}

/** The kernels for this backend; one instance a backend. Compiles synchronously (a few KB), which workers and Node allow. */
export function openSimd(backend: WasmHost): Simd {
  const known = instances.get(backend);
  if (known) return known;
  const { memory } = backend.wasm.asm;
  let pointer = 0;
  let capacity = 0;
  const simd: Simd = {
    ...instantiate(memory),
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
  };
  instances.set(backend, simd);
  return simd;
}
