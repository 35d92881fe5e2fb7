/**
 * Runs our WGSL inside tfjs' command stream: same encoder, same buffer pool, so the order with stock kernels is kept.
 * Differs from tfjs' own runner: explicit bind group layout (an unused binding cannot drop the work silently), any number of
 * outputs, in-place outputs, and nothing uploaded or created that is there already.
 */
import { EngineError } from '../base/errors.ts';
import { maxBindingBytes } from './bindingLimit.ts';
import { packedWords } from './packed.ts';
import { streamOf } from './webgpu/commandStream.ts';
import type { WgslBinding, WgslProgram } from './webgpu/pipelines.ts';
import type { WebGpuHost } from './webgpu/webGpuHost.ts';

export { keyChecks, type WgslBinding, type WgslProgram } from './webgpu/pipelines.ts';
export type { WebGpuHost } from './webgpu/webGpuHost.ts';

/** A uniform struct is a multiple of 16 bytes long. */
function packUniforms(uniforms: WgslProgram['uniforms']): ArrayBuffer {
  const bytes = new DataView(new ArrayBuffer(Math.ceil(uniforms.length / 4) * 16));
  uniforms.forEach((u, i) => {
    if (u.type === 'f32') bytes.setFloat32(i * 4, u.value, true);
    else bytes.setInt32(i * 4, u.value, true);
  });
  return bytes.buffer as ArrayBuffer;
}

function resourceOf(backend: WebGpuHost, binding: WgslBinding, key: string): GPUBufferBinding {
  const { dataId, shape, offset, storage } = binding.tensor;
  backend.uploadToGPU(dataId);
  const data = backend.tensorMap.get(dataId);
  const stored = data.dtype === 'float32' ? 'f32' : 'i32';
  // tfjs makes cast(int32 → float32) a view of the int32 buffer, which would be read as garbage here.
  const packed = binding.element === 'u32' || binding.element === 'vec2u';
  if ((packed || binding.element === 'i32' ? 'i32' : 'f32') !== stored || packed !== Boolean(storage))
    throw new EngineError('bad-argument', `${key}: ${binding.name} is stored as ${storage ?? stored}, not as ${binding.element}; make it float32 when it is created.`);
  if (!data.resource) throw new EngineError('internal', `${key}: ${binding.name} has no GPU buffer.`);
  // A download cached before an in-place write would be stale.
  if (binding.access === 'read_write') data.values = null;
  const stream = streamOf(backend);
  const count = shape.reduce((product, size) => product * size, 1);
  const bound =
    offset === undefined ? stream.bindingOf(dataId) : storage ? stream.bindingOf(dataId, offset / 2, packedWords(count)) : stream.bindingOf(dataId, offset, count);
  if (bound.size! > maxBindingBytes()) throw new EngineError('unsupported', `${key}: ${binding.name} takes ${bound.size} bytes; a program of this GPU sees at most ${maxBindingBytes()} of a buffer.`);
  return bound;
}

/**
 * Records one dispatch. Inputs are uploaded if they are still on the CPU; written tensors lose their CPU copy. In a dry run (compilePipelines)
 * the program is noted and nothing else happens.
 * @throws EngineError unsupported if the grid is too large for the device, bad-argument for a buffer of the wrong type
 */
export function runWgsl(backend: WebGpuHost, program: WgslProgram): void {
  if (program.workgroups.some((n) => n === 0)) return;
  const limit = backend.device.limits.maxComputeWorkgroupsPerDimension;
  if (program.workgroups.some((n) => n > limit)) throw new EngineError('unsupported', `${program.key}: ${program.workgroups} workgroups exceed the device limit of ${limit}.`);
  const stream = streamOf(backend);
  if (stream.recording) {
    stream.pipelines.note(program, stream.recording.wanted);
    return;
  }
  const { pipeline, layout } = stream.pipelines.get(program);
  const resources = program.bindings.map((b) => resourceOf(backend, b, program.key));
  if (program.uniforms.length > 0) resources.push(stream.uniforms(packUniforms(program.uniforms)));
  stream.dispatch(pipeline, stream.bindGroups.groupOf(layout, resources), program.workgroups);
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
