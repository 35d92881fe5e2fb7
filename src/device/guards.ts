/**
 * Corrects known mistakes of tfjs 4.22 from outside, through public calls only: one entry a mistake, one test each (guards.gpu.test.ts).
 * An entry can go when a tfjs release passes its test without it. Not here: matMul and gradients, which src/kernels replaces.
 */
import * as tf from '@tensorflow/tfjs-core';
import { EngineError } from '../base/errors.ts';
import type { BackendName } from '../protocol/views.ts';

/** The part of a tfjs WebGPU program that the guards read and change. */
interface StockProgram {
  shaderKey: string;
  outputShape: number[];
  getUserCode(): string;
}

/** The part of tfjs' WebGPU backend that the guards use. */
interface GuardedBackend {
  runWebGPUProgram(program: StockProgram, inputs: tf.TensorInfo[], dtype: string, uniforms?: unknown, output?: tf.TensorInfo): tf.TensorInfo;
  tensorMap: { get(dataId: object): { dtype: string } };
}

/** Marks a backend instance whose guards are in place. */
const marker = Symbol.for('sidestep.guards');

/** @throws EngineError internal if tfjs' code is not the one this guard was made for */
function replaceOnce(code: string, pattern: RegExp, replacement: (match: string) => string, guard: string): string {
  if (!pattern.test(code)) throw new EngineError('internal', `Guard "${guard}" does not find its place in the code of tfjs; the tfjs version is not the one it was made for.`);
  return code.replace(pattern, replacement);
}

/** Changes the code of a program before tfjs compiles it. */
function rewrite(program: StockProgram, change: (code: string) => string): void {
  const original = program.getUserCode.bind(program);
  program.getUserCode = () => change(original());
}

const programGuards: { keyPrefix: string; apply(program: StockProgram): void }[] = [
  {
    // Transposing int32 or bool tensors of rank 3 and more: an i32 is passed where f32 is expected, which current WGSL refuses
    // (tensorflow/tfjs#8638). Also hits sums of int32 tensors, which transpose inside.
    keyPrefix: 'transpose_',
    apply: (program) => rewrite(program, (code) => replaceOnce(code, /A\[getIndexFromCoords[^\]]*\]/, (read) => `f32(${read})`, 'transpose')),
  },
  {
    // Softmax of more than 65 535 rows: the folded grid has surplus workgroups, which write over the last element.
    keyPrefix: 'softmax',
    apply: (program) =>
      rewrite(program, (code) => replaceOnce(code, /setOutputAtCoords\(row, col, value\);/, (write) => `if (row < uniforms.outShape[0]) { ${write} }`, 'softmax')),
  },
  {
    // Cumulative sums: the length is part of the code but not of the cache key, so a second length runs the code of the first.
    keyPrefix: 'cum_',
    apply: (program) => {
      program.shaderKey += `_${program.outputShape.at(-1)}`;
    },
  },
];

function guardPrograms(backend: GuardedBackend): void {
  const original = backend.runWebGPUProgram.bind(backend);
  backend.runWebGPUProgram = (program, ...rest) => {
    programGuards.find((guard) => program.shaderKey.startsWith(guard.keyPrefix))?.apply(program);
    return original(program, ...rest);
  };
}

/** Cast from int32 or bool to float32 only relabels the int32 buffer, and later kernels read integers as floats: convert instead. */
function guardCast(): void {
  const stock = tf.getKernel('Cast', 'webgpu');
  if (!stock || marker in stock.kernelFunc) return;
  const guarded: tf.KernelFunc = (parameters) => {
    const { x } = parameters.inputs as { x: tf.TensorInfo };
    const backend = parameters.backend as unknown as GuardedBackend;
    const storedAsInt = ['int32', 'bool'].includes(backend.tensorMap.get(x.dataId).dtype);
    if (!storedAsInt || (parameters.attrs as { dtype?: string } | undefined)?.dtype !== 'float32') return stock.kernelFunc(parameters);
    const size = tf.util.sizeFromShape(x.shape);
    const flat = { dataId: x.dataId, shape: [size], dtype: 'int32' as const };
    const program = {
      variableNames: ['x'],
      outputShape: [size],
      shaderKey: 'sidestepToFloat',
      dispatchLayout: { x: [0] },
      dispatch: [Math.ceil(size / 64), 1, 1],
      workgroupSize: [64, 1, 1],
      size: true,
      getUserCode: () => 'fn main(index : i32) { if (index < uniforms.size) { setOutputAtIndex(index, f32(x[index])); } }',
    };
    return { ...backend.runWebGPUProgram(program as unknown as StockProgram, [flat], 'float32'), shape: x.shape };
  };
  Object.defineProperty(guarded, marker, { value: true });
  tf.unregisterKernel('Cast', 'webgpu');
  tf.registerKernel({ ...stock, kernelFunc: guarded });
}

/** Largest size that an address of 32 bits can hold, bytes. */
const largestAllocationBytes = 2 ** 32 - 1;

/** tfjs does not look at what malloc returns: a full heap gives address 0, and the tensor is written over whatever lies there. */
function guardAllocation(backend: { wasm: { _malloc(sizeBytes: number): number; _free(pointer: number): void } }): void {
  const { wasm } = backend;
  // The first call of each replaces the function by its final one, which would undo the guard.
  wasm._free(wasm._malloc(16));
  const original = wasm._malloc;
  wasm._malloc = (sizeBytes) => {
    const pointer = sizeBytes > largestAllocationBytes ? 0 : original(sizeBytes);
    if (pointer === 0 && sizeBytes > 0) throw new EngineError('out-of-memory', `The WebAssembly heap has no room for a tensor of ${sizeBytes} bytes.`);
    return pointer;
  };
}

/** Puts the guards on the active tfjs backend. Safe to call again. */
export function installGuards(backendName: BackendName): void {
  const backend = tf.backend();
  if (marker in backend) return;
  if (backendName === 'webgpu') {
    guardPrograms(backend as unknown as GuardedBackend);
    guardCast();
  } else {
    guardAllocation(backend as unknown as Parameters<typeof guardAllocation>[0]);
  }
  Object.defineProperty(backend, marker, { value: true });
}

/**
 * Checks (openBackend does it) that the guards sit on the active backend and that one copy of tfjs-core is loaded (a bundler may make two, and
 * kernels registered with one would miss in the other).
 * @throws EngineError internal
 */
export function assertGuarded(): void {
  const backend = tf.backend();
  if (!(marker in backend)) throw new EngineError('internal', 'The active backend was not opened with openBackend: its guards are missing.');
  if (!(backend instanceof tf.KernelBackend)) throw new EngineError('internal', 'Two copies of tfjs-core are loaded: the backend belongs to another one.');
}
