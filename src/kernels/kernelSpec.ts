/**
 * How a kernel of ours is described once and run everywhere: shapes of its outputs, a CPU twin on typed arrays, and WGSL.
 * `registerKernelSpec` turns a description into a tfjs kernel. Not for gradients: those are registered beside each op.
 */
import * as tf from '@tensorflow/tfjs-core';
import { EngineError } from '../base/errors.ts';
import type { KernelTensor } from './kernelTensor.ts';
import { decodePacked, type PackedStorage, packedWords } from './packed.ts';
import { runWgsl, type WebGpuHost, type WgslProgram } from './runWgsl.ts';
import { type HeapTensor, openSimd, type Simd } from './simd/openSimd.ts';
import { assertSlice, isSlice, type Operand } from './slice.ts';
import type { WasmHost } from './wasmHost.ts';

export type { KernelTensor } from './kernelTensor.ts';

/** The backends a kernel can be registered for. 'cpu' is tfjs' plain JS backend, used as a reference in tests. */
export type KernelBackendName = 'webgpu' | 'wasm' | 'cpu';

export type Attributes = Record<string, number | boolean | string>;

/** Under this attribute the slices travel through tfjs, by input name. */
const slicesAttribute = 'sidestepSlices';

export interface OutputSpec {
  shape: number[];
  dtype: 'float32' | 'int32';
}

/** A tensor as a CPU twin sees it: a typed-array view of memory that tfjs owns. Views must not outlive the call. */
export class HostTensor {
  private readonly data: Float32Array | Int32Array;

  /** @param offset of the first value, for a slice of `data` */
  constructor(
    readonly shape: number[],
    data: Float32Array | Int32Array,
    private readonly name: string,
    offset?: number,
    private readonly storage?: PackedStorage,
  ) {
    const size = tf.util.sizeFromShape(shape);
    const [begin, count] = storage ? [(offset ?? 0) / 2, packedWords(size)] : [offset ?? 0, size];
    this.data = offset === undefined ? data : data.subarray(begin, begin + count);
  }

  /** Packed values come decoded, as a copy. @throws EngineError bad-argument if this is not a float32 tensor */
  get f32(): Float32Array {
    if (this.storage && this.data instanceof Int32Array) return decodePacked(this.data, this.storage, 0, tf.util.sizeFromShape(this.shape));
    if (this.data instanceof Float32Array) return this.data;
    throw new EngineError('bad-argument', `${this.name} must be float32.`);
  }

  /** @throws EngineError bad-argument if this is not an int32 tensor */
  get i32(): Int32Array {
    if (this.data instanceof Int32Array) return this.data;
    throw new EngineError('bad-argument', `${this.name} must be int32.`);
  }
}

/**
 * One kernel. `Input` is the union of its input names. Inputs that the kernel rewrites are listed in `inPlace`: the
 * caller must own them alone, and a kernel with no outputs returns nothing.
 */
export interface KernelSpec<Input extends string = string> {
  name: string;
  inPlace?: readonly Input[];
  /** Inputs that may hold packed values; every other kernel and input refuses them. */
  packed?: readonly Input[];
  outputs(inputs: Record<Input, KernelTensor>, attributes: Attributes): OutputSpec[];
  /** The CPU twin. */
  host(inputs: Record<Input, HostTensor>, attributes: Attributes, outputs: HostTensor[]): void;
  /** A SIMD version for the wasm backend instead of the twin; works on addresses in tfjs' heap (bytes). */
  wasm?(simd: Simd, inputs: Record<Input, HeapTensor>, attributes: Attributes, outputs: HeapTensor[]): void;
  webgpu(inputs: Record<Input, KernelTensor>, attributes: Attributes, outputs: tf.TensorInfo[]): WgslProgram[];
}

/** What we use of tfjs' cpu backend. */
interface CpuHost {
  data: { get(dataId: object): { values: Float32Array | Int32Array } };
  makeTensorInfo(shape: number[], dtype: string, values: Float32Array | Int32Array): tf.TensorInfo;
}

function allocate(spec: OutputSpec): Float32Array | Int32Array {
  const size = tf.util.sizeFromShape(spec.shape);
  return spec.dtype === 'int32' ? new Int32Array(size) : new Float32Array(size);
}

/** Outputs are allocated before any view is taken: an allocation may grow the heap and detach earlier views. */
function runOnWasm(spec: KernelSpec, backend: WasmHost, inputs: Record<string, KernelTensor>, attributes: Attributes): tf.TensorInfo[] {
  const outputs = spec.outputs(inputs, attributes).map((o) => backend.makeOutput(o.shape, o.dtype));
  if (spec.wasm) {
    const locate = ({ shape, dataId, offset = 0, storage }: KernelTensor): HeapTensor => ({ shape, at: backend.getMemoryOffset(dataId) + (storage ? 2 : 4) * offset, storage });
    const located = Object.fromEntries(Object.entries(inputs).map(([name, info]) => [name, locate(info)]));
    spec.wasm(openSimd(backend), located, attributes, outputs.map(locate));
    return outputs;
  }
  const view = (info: KernelTensor, name: string): HostTensor => {
    const { dataId, dtype, shape, offset, storage } = info;
    const end = (offset ?? 0) + tf.util.sizeFromShape(shape);
    const stored = offset === undefined ? shape : [storage ? packedWords(end) : end];
    return new HostTensor(shape, backend.typedArrayFromHeap({ dataId, dtype, shape: stored }), `${spec.name}: ${name}`, offset, storage);
  };
  const views = Object.fromEntries(Object.entries(inputs).map(([name, info]) => [name, view(info, name)]));
  spec.host(views, attributes, outputs.map((info, i) => view(info, `output ${i}`)));
  return outputs;
}

function runOnCpu(spec: KernelSpec, backend: CpuHost, inputs: Record<string, KernelTensor>, attributes: Attributes): tf.TensorInfo[] {
  const arrays = spec.outputs(inputs, attributes).map((o) => ({ ...o, data: allocate(o) }));
  const views = Object.fromEntries(
    Object.entries(inputs).map(([name, info]) => [name, new HostTensor(info.shape, backend.data.get(info.dataId).values, `${spec.name}: ${name}`, info.offset, info.storage)]),
  );
  spec.host(views, attributes, arrays.map((o, i) => new HostTensor(o.shape, o.data, `${spec.name}: output ${i}`)));
  return arrays.map((o) => backend.makeTensorInfo(o.shape, o.dtype, o.data));
}

/** Output buffers are made by the runner on first use, so that empty tensors cost nothing. */
function runOnWebGpu(spec: KernelSpec, backend: WebGpuHost, inputs: Record<string, KernelTensor>, attributes: Attributes): tf.TensorInfo[] {
  const outputs = spec.outputs(inputs, attributes).map((o) => backend.makeTensorInfo(o.shape, o.dtype));
  for (const program of spec.webgpu(inputs, attributes, outputs)) runWgsl(backend, program);
  return outputs;
}

type Slices = Record<string, Pick<KernelTensor, 'offset' | 'shape' | 'storage'>>;

/** @throws EngineError bad-argument for packed values where a kernel would take their bits for something else */
function assertStorages({ name, packed }: KernelSpec, slices: Slices): void {
  for (const [input, { storage }] of Object.entries(slices))
    if (storage && !packed?.includes(input)) throw new EngineError('bad-argument', `${name}: ${input} is packed as ${storage}, which this kernel does not read; give it float32 values.`);
}

function withSlices(inputs: Record<string, tf.TensorInfo>, slices: Slices | undefined): Record<string, KernelTensor> {
  if (!slices) return inputs;
  return Object.fromEntries(Object.entries(inputs).map(([name, { dataId, shape, dtype }]) => [name, { dataId, shape, dtype, ...slices[name] }]));
}

/** Registers one kernel with tfjs for one backend; replaces an earlier registration of the same name. */
export function registerKernelSpec<Input extends string>(typed: KernelSpec<Input>, backendName: KernelBackendName): void {
  const spec = typed as KernelSpec;
  const run = (backend: unknown, inputs: Record<string, KernelTensor>, attributes: Attributes): tf.TensorInfo[] => {
    if (backendName === 'webgpu') return runOnWebGpu(spec, backend as WebGpuHost, inputs, attributes);
    if (backendName === 'wasm') return runOnWasm(spec, backend as WasmHost, inputs, attributes);
    return runOnCpu(spec, backend as CpuHost, inputs, attributes);
  };
  if (tf.getKernel(spec.name, backendName)) tf.unregisterKernel(spec.name, backendName);
  tf.registerKernel({
    kernelName: spec.name,
    backendName,
    kernelFunc: ({ inputs, attrs, backend }) => {
      const { [slicesAttribute]: slices, ...attributes } = (attrs ?? {}) as Record<string, unknown>;
      if (slices) assertStorages(spec, slices as Slices);
      return run(backend, withSlices(inputs as Record<string, tf.TensorInfo>, slices as Slices | undefined), attributes as Attributes);
    },
  });
}

/**
 * Runs a registered kernel of ours through the tfjs engine, so that its results belong to the current tidy. Results are owned by the caller.
 * @throws EngineError bad-argument for a slice outside its slab
 */
export function runKernel(name: string, inputs: Record<string, Operand>, attributes: Attributes = {}): tf.Tensor[] {
  const tensors: Record<string, tf.Tensor> = {};
  let slices: Slices | undefined;
  for (const [input, operand] of Object.entries(inputs)) {
    if (isSlice(operand)) {
      assertSlice(name, input, operand);
      tensors[input] = operand.slab;
      const { offset, shape, storage } = operand;
      (slices ??= {})[input] = storage ? { offset, shape, storage } : { offset, shape };
    } else tensors[input] = operand;
  }
  const passed = slices ? { ...attributes, [slicesAttribute]: slices } : attributes;
  return tf.engine().runKernel(name, tensors as unknown as tf.NamedTensorMap, passed as unknown as tf.NamedAttrMap) as unknown as tf.Tensor[];
}
