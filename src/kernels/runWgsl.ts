/**
 * Runs our WGSL inside tfjs' command stream: same encoder, same buffer pool, so the order with stock kernels is kept.
 * Differs from tfjs' own runner: explicit bind group layout (an unused binding cannot drop the work silently), any number of
 * outputs, in-place outputs, and a cache that holds only equal code for equal keys.
 */
import type * as tf from '@tensorflow/tfjs-core';
import { EngineError } from '../base/errors.ts';
import type { KernelTensor } from './kernelSpec.ts';

/** One storage buffer of a program. `element` is the WGSL element type the tensor's buffer is read as. */
export interface WgslBinding {
  name: string;
  /** A slice brings its offset (floats); the shader sees the slice alone. */
  tensor: KernelTensor;
  element: 'f32' | 'i32' | 'vec4f';
  access: 'read' | 'read_write';
}

/** One dispatch. `uniforms` become fields of `params`; `code` is called only on a cache miss and must depend on `key` alone. */
export interface WgslProgram {
  key: string;
  bindings: WgslBinding[];
  uniforms: { name: string; type: 'u32' | 'i32' | 'f32'; value: number }[];
  /** The body: functions and `@compute fn main`. Declarations of bindings and `params` are put before it. */
  code(): string;
  workgroups: [number, number, number];
}

/** What we use of tfjs' WebGPU backend (its public fields; some are private to TypeScript only). */
export interface WebGpuHost {
  device: GPUDevice;
  queue: GPUQueue;
  commandEncoder: GPUCommandEncoder | null;
  computePassEncoder: GPUComputePassEncoder | null;
  dispatchCountInPass: number;
  commandQueueOwnedIds: WeakSet<object>;
  uniformPendingDisposal: GPUBuffer[];
  bufferManager: {
    acquireBuffer(size: number, usage: number): GPUBuffer;
    freeBuffers: Map<string, GPUBuffer[]>;
    numBytesAllocated: number;
    numFreeBuffers: number;
  };
  tensorMap: { get(dataId: object): { dtype: string; values: unknown; resource: GPUBuffer | null; refCount: number } };
  makeTensorInfo(shape: number[], dtype: string): tf.TensorInfo;
  uploadToGPU(dataId: object): void;
  ensureCommandEncoderReady(): void;
  endComputePassEncoder(): void;
  submitQueue(): void;
}

interface CachedPipeline {
  pipeline: GPUComputePipeline;
  layout: GPUBindGroupLayout;
  code: string;
}

const pipelines = new WeakMap<GPUDevice, Map<string, CachedPipeline>>();

/** Dispatches recorded before a submit: larger batches save submits, smaller ones free buffers sooner. As tfjs' default. */
const dispatchesPerSubmit = 15;

/** Set by tests: generate the code on every run and fail if a cached key maps to other code. */
export const keyChecks = { enabled: false };

const uniformUsage = 0x40 | 0x8; // GPUBufferUsage.UNIFORM | COPY_DST
const computeStage = 0x4; // GPUShaderStage.COMPUTE

/** `enable subgroups;` and its like, one to a line. */
const directive = /^[ \t]*(enable|requires|diagnostic)[ \t(][^;]*;/gm;

function sourceOf(program: WgslProgram): string {
  const declarations = program.bindings.map((b, i) => `@group(0) @binding(${i}) var<storage, ${b.access}> ${b.name}: array<${b.element}>;`);
  if (program.uniforms.length > 0) {
    declarations.push(`struct Params { ${program.uniforms.map((u) => `${u.name}: ${u.type}`).join(', ')} };`);
    declarations.push(`@group(0) @binding(${program.bindings.length}) var<uniform> params: Params;`);
  }
  // WGSL wants its directives before everything else; kernels write them where they need them.
  const code = program.code();
  const directives = code.match(directive) ?? [];
  return `${[...directives, ...declarations].join('\n')}\n${code.replace(directive, '')}`;
}

function pipelineFor(device: GPUDevice, program: WgslProgram): CachedPipeline {
  let cache = pipelines.get(device);
  if (!cache) pipelines.set(device, (cache = new Map()));
  const key = `${program.key}|${program.bindings.map((b) => `${b.name}:${b.element}:${b.access}`).join()}`;
  const cached = cache.get(key);
  if (cached) {
    if (keyChecks.enabled && cached.code !== sourceOf(program)) throw new EngineError('internal', `WGSL differs under the same key "${key}".`);
    return cached;
  }
  const code = sourceOf(program);
  const entries: GPUBindGroupLayoutEntry[] = program.bindings.map((b, binding) => ({
    binding,
    visibility: computeStage,
    buffer: { type: b.access === 'read' ? 'read-only-storage' : 'storage' },
  }));
  if (program.uniforms.length > 0) entries.push({ binding: program.bindings.length, visibility: computeStage, buffer: { type: 'uniform' } });
  const layout = device.createBindGroupLayout({ entries });
  const module = device.createShaderModule({ label: program.key, code });
  const pipeline = device.createComputePipeline({
    label: program.key,
    layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
    compute: { module, entryPoint: 'main' },
  });
  const made = { pipeline, layout, code };
  cache.set(key, made);
  return made;
}

/** Uniform buffers come from tfjs' pool and go back to it after the submit that uses them. */
function uniformBuffer(backend: WebGpuHost, uniforms: WgslProgram['uniforms']): GPUBuffer {
  const sizeBytes = Math.ceil((uniforms.length * 4) / 16) * 16;
  const bytes = new DataView(new ArrayBuffer(sizeBytes));
  uniforms.forEach((u, i) => {
    if (u.type === 'f32') bytes.setFloat32(i * 4, u.value, true);
    else bytes.setInt32(i * 4, u.value, true);
  });
  const buffer = backend.bufferManager.acquireBuffer(sizeBytes, uniformUsage);
  backend.queue.writeBuffer(buffer, 0, bytes.buffer);
  backend.uniformPendingDisposal.push(buffer);
  return buffer;
}

function resourceOf(backend: WebGpuHost, binding: WgslBinding, key: string): GPUBufferBinding {
  const { dataId, shape, offset } = binding.tensor;
  backend.uploadToGPU(dataId);
  const data = backend.tensorMap.get(dataId);
  const stored = data.dtype === 'float32' ? 'f32' : 'i32';
  // tfjs makes cast(int32 → float32) a view of the int32 buffer, which would be read as garbage here.
  if ((binding.element === 'i32' ? 'i32' : 'f32') !== stored)
    throw new EngineError('bad-argument', `${key}: ${binding.name} is stored as ${stored}, not as ${binding.element}; make it float32 when it is created.`);
  if (!data.resource) throw new EngineError('internal', `${key}: ${binding.name} has no GPU buffer.`);
  if (offset === undefined) return { buffer: data.resource };
  return { buffer: data.resource, offset: 4 * offset, size: 4 * shape.reduce((product, size) => product * size, 1) };
}

/**
 * Records one dispatch. Inputs are uploaded if they are still on the CPU; written tensors lose their CPU copy.
 * @throws EngineError unsupported if the grid is too large for the device, bad-argument for a buffer of the wrong type
 */
export function runWgsl(backend: WebGpuHost, program: WgslProgram): void {
  if (program.workgroups.some((n) => n === 0)) return;
  const limit = backend.device.limits.maxComputeWorkgroupsPerDimension;
  if (program.workgroups.some((n) => n > limit)) throw new EngineError('unsupported', `${program.key}: ${program.workgroups} workgroups exceed the device limit of ${limit}.`);
  const { pipeline, layout } = pipelineFor(backend.device, program);
  const resources = program.bindings.map((b) => resourceOf(backend, b, program.key));
  const entries: GPUBindGroupEntry[] = resources.map((resource, binding) => ({ binding, resource }));
  if (program.uniforms.length > 0) entries.push({ binding: resources.length, resource: { buffer: uniformBuffer(backend, program.uniforms) } });
  const bindGroup = backend.device.createBindGroup({ label: program.key, layout, entries });
  for (const b of program.bindings) {
    backend.commandQueueOwnedIds.add(b.tensor.dataId);
    // A download cached before an in-place write would be stale.
    if (b.access === 'read_write') backend.tensorMap.get(b.tensor.dataId).values = null;
  }
  backend.ensureCommandEncoderReady();
  backend.computePassEncoder ??= (backend.commandEncoder as GPUCommandEncoder).beginComputePass();
  backend.computePassEncoder.setPipeline(pipeline);
  backend.computePassEncoder.setBindGroup(0, bindGroup);
  backend.computePassEncoder.dispatchWorkgroups(...program.workgroups);
  backend.dispatchCountInPass++;
  if (backend.dispatchCountInPass >= dispatchesPerSubmit) {
    backend.endComputePassEncoder();
    backend.submitQueue();
  }
}

/** Threads of a workgroup in one-dimensional programs. */
export const lineWorkgroupSize = 64;

/** Grid for `count` invocations in one dimension, folded into two when there are more than 65 535 workgroups. */
export function lineWorkgroups(count: number): [number, number, number] {
  const groups = Math.ceil(count / lineWorkgroupSize);
  const x = Math.min(groups, 65535);
  return [x, x === 0 ? 0 : Math.ceil(groups / x), 1];
}

/** Opens `main` of a one-dimensional program: `i` is the index of this invocation, already checked against `params.count`. */
export const lineMain = `
@compute @workgroup_size(${lineWorkgroupSize})
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) grid: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = (workgroup.y * grid.x + workgroup.x) * ${lineWorkgroupSize}u + local;
  if (i >= params.count) { return; }`;

/** The `count` uniform that `lineMain` needs. */
export const countUniform = (value: number): WgslProgram['uniforms'][number] => ({ name: 'count', type: 'u32', value });
