/**
 * How a kernel of ours is described once and run everywhere: shapes of its outputs, a CPU twin on typed arrays, and WGSL.
 * `registerKernelSpec` turns a description into a tfjs kernel. Not for gradients: those are registered beside each op.
 */
import * as tf from '@tensorflow/tfjs-core';
import { EngineError } from '../base/errors.ts';
import { runWgsl, type WebGpuHost, type WgslProgram } from './runWgsl.ts';
import { type HeapTensor, openSimd, type Simd } from './simd/openSimd.ts';
import type { WasmHost } from './wasmHost.ts';

/** The backends a kernel can be registered for. 'cpu' is tfjs' plain JS backend, used as a reference in tests. */
export type KernelBackendName = 'webgpu' | 'wasm' | 'cpu';

export type Attributes = Record<string, number | boolean | string>;

export interface OutputSpec {
  shape: number[];
  dtype: 'float32' | 'int32';
}

/** A tensor as a CPU twin sees it: a typed-array view of memory that tfjs owns. Views must not outlive the call. */
export class HostTensor {
  constructor(
    readonly shape: number[],
    private readonly data: Float32Array | Int32Array,
    private readonly name: string,
  ) {}

  /** @throws EngineError bad-argument if this is not a float32 tensor */
  get f32(): Float32Array {
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
  /** Returns its one output bare instead of in a list: only for kernels that replace a stock one. */
  bareOutput?: boolean;
  outputs(inputs: Record<Input, tf.TensorInfo>, attributes: Attributes): OutputSpec[];
  /** The CPU twin. */
  host(inputs: Record<Input, HostTensor>, attributes: Attributes, outputs: HostTensor[]): void;
  /** A SIMD version for the wasm backend instead of the twin; works on addresses in tfjs' heap (bytes). */
  wasm?(simd: Simd, inputs: Record<Input, HeapTensor>, attributes: Attributes, outputs: HeapTensor[]): void;
  webgpu(inputs: Record<Input, tf.TensorInfo>, attributes: Attributes, outputs: tf.TensorInfo[]): WgslProgram[];
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
function runOnWasm(spec: KernelSpec, backend: WasmHost, inputs: Record<string, tf.TensorInfo>, attributes: Attributes): tf.TensorInfo[] {
  const outputs = spec.outputs(inputs, attributes).map((o) => backend.makeOutput(o.shape, o.dtype));
  if (spec.wasm) {
    const locate = (info: tf.TensorInfo): HeapTensor => ({ shape: info.shape, at: backend.getMemoryOffset(info.dataId) });
    const located = Object.fromEntries(Object.entries(inputs).map(([name, info]) => [name, locate(info)]));
    spec.wasm(openSimd(backend), located, attributes, outputs.map(locate));
    return outputs;
  }
  const view = (info: tf.TensorInfo, name: string): HostTensor => new HostTensor(info.shape, backend.typedArrayFromHeap(info), `${spec.name}: ${name}`);
  const views = Object.fromEntries(Object.entries(inputs).map(([name, info]) => [name, view(info, name)]));
  spec.host(views, attributes, outputs.map((info, i) => view(info, `output ${i}`)));
  return outputs;
}

function runOnCpu(spec: KernelSpec, backend: CpuHost, inputs: Record<string, tf.TensorInfo>, attributes: Attributes): tf.TensorInfo[] {
  const arrays = spec.outputs(inputs, attributes).map((o) => ({ ...o, data: allocate(o) }));
  const views = Object.fromEntries(
    Object.entries(inputs).map(([name, info]) => [name, new HostTensor(info.shape, backend.data.get(info.dataId).values, `${spec.name}: ${name}`)]),
  );
  spec.host(views, attributes, arrays.map((o, i) => new HostTensor(o.shape, o.data, `${spec.name}: output ${i}`)));
  return arrays.map((o) => backend.makeTensorInfo(o.shape, o.dtype, o.data));
}

/** Output buffers are made by the runner on first use, so that empty tensors cost nothing. */
function runOnWebGpu(spec: KernelSpec, backend: WebGpuHost, inputs: Record<string, tf.TensorInfo>, attributes: Attributes): tf.TensorInfo[] {
  const outputs = spec.outputs(inputs, attributes).map((o) => backend.makeTensorInfo(o.shape, o.dtype));
  for (const program of spec.webgpu(inputs, attributes, outputs)) runWgsl(backend, program);
  return outputs;
}

/** Registers one kernel with tfjs for one backend; replaces an earlier registration of the same name. */
export function registerKernelSpec<Input extends string>(typed: KernelSpec<Input>, backendName: KernelBackendName): void {
  const spec = typed as KernelSpec;
  const run = (backend: unknown, inputs: Record<string, tf.TensorInfo>, attributes: Attributes): tf.TensorInfo[] => {
    if (backendName === 'webgpu') return runOnWebGpu(spec, backend as WebGpuHost, inputs, attributes);
    if (backendName === 'wasm') return runOnWasm(spec, backend as WasmHost, inputs, attributes);
    return runOnCpu(spec, backend as CpuHost, inputs, attributes);
  };
  if (tf.getKernel(spec.name, backendName)) tf.unregisterKernel(spec.name, backendName);
  tf.registerKernel({
    kernelName: spec.name,
    backendName,
    kernelFunc: ({ inputs, attrs, backend }) => {
      const named = inputs as Record<string, tf.TensorInfo>;
      const attributes = (attrs ?? {}) as unknown as Attributes;
      const outputs = run(backend, named, attributes);
      return spec.bareOutput ? (outputs[0] as tf.TensorInfo) : outputs;
    },
  });
}

/** Runs a registered kernel of ours through the tfjs engine, so that the tape sees it. Results are owned by the caller. */
export function runKernel(name: string, inputs: Record<string, tf.Tensor>, attributes: Attributes = {}): tf.Tensor[] {
  return tf.engine().runKernel(name, inputs as unknown as tf.NamedTensorMap, attributes as unknown as tf.NamedAttrMap) as unknown as tf.Tensor[];
}

/** The gradient of a kernel's first output: tfjs passes an array only if the kernel has several. */
export function firstGradient(gradients: tf.Tensor | tf.Tensor[]): tf.Tensor {
  return Array.isArray(gradients) ? (gradients[0] as tf.Tensor) : gradients;
}
