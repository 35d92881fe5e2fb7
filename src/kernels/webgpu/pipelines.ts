/** WGSL programs, their source and their compiled pipelines: one cache a device, that holds only equal code for equal keys. */
import { EngineError } from '../../base/errors.ts';
import type { KernelTensor } from '../kernelTensor.ts';
import type { BindGroups, BoundLayout } from './bindGroups.ts';

/** One storage buffer of a program. `element` is the WGSL element type the tensor's buffer is read as. */
export interface WgslBinding {
  name: string;
  /** A slice brings its offset (values); the shader sees the slice alone. */
  tensor: KernelTensor;
  /** u32 and vec2u are one and two words of packed values (packed.webgpu.ts). */
  element: 'f32' | 'i32' | 'vec4f' | 'u32' | 'vec2u';
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

export interface CachedPipeline {
  pipeline: GPUComputePipeline;
  layout: BoundLayout;
  code: string;
}

/** Set by tests: generate the code on every run and fail if a cached key maps to other code. */
export const keyChecks = { enabled: false };

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

/** A pipeline that is wanted and not there yet. */
export interface WantedPipeline {
  key: string;
  /** What errors call it. */
  label: string;
  layout: BoundLayout;
  code: string;
}

export class Pipelines {
  private readonly cache = new Map<string, CachedPipeline>();

  constructor(
    private readonly device: GPUDevice,
    private readonly bindGroups: BindGroups,
  ) {}

  private keyOf(program: WgslProgram): string {
    let key = program.key;
    for (const b of program.bindings) key += `|${b.name}:${b.element}:${b.access}`;
    return program.uniforms.length > 0 ? `${key}|params` : key;
  }

  private wanted(key: string, program: WgslProgram): WantedPipeline {
    const types: GPUBufferBindingType[] = program.bindings.map((b) => (b.access === 'read' ? 'read-only-storage' : 'storage'));
    if (program.uniforms.length > 0) types.push('uniform');
    return { key, label: program.key, layout: this.bindGroups.layoutOf(types), code: sourceOf(program) };
  }

  private checkKey(key: string, known: string, program: WgslProgram): void {
    if (keyChecks.enabled && known !== sourceOf(program)) throw new EngineError('internal', `WGSL differs under the same key "${key}".`);
  }

  /** The pipeline of a program; compiled now if nobody compiled it before. */
  get(program: WgslProgram): CachedPipeline {
    const key = this.keyOf(program);
    const cached = this.cache.get(key);
    if (cached) {
      this.checkKey(key, cached.code, program);
      return cached;
    }
    const wanted = this.wanted(key, program);
    return this.keep(wanted, this.device.createComputePipeline(this.describe(wanted, this.moduleOf(wanted))));
  }

  /** Notes in `wanted` what a program would need, instead of compiling it. */
  note(program: WgslProgram, wanted: Map<string, WantedPipeline>): void {
    const key = this.keyOf(program);
    const known = this.cache.get(key) ?? wanted.get(key);
    if (known) this.checkKey(key, known.code, program);
    else wanted.set(key, this.wanted(key, program));
  }

  /** @throws EngineError gpu-error with the compiler's words if the code is not valid */
  async compile(wanted: WantedPipeline): Promise<void> {
    this.device.pushErrorScope('validation');
    const module = this.moduleOf(wanted);
    const scoped = this.device.popErrorScope();
    try {
      this.keep(wanted, await this.device.createComputePipelineAsync(this.describe(wanted, module)));
    } catch (cause) {
      const { messages } = await module.getCompilationInfo();
      const words = messages.filter(({ type }) => type === 'error').map(({ lineNum, linePos, message }) => `line ${lineNum}:${linePos} ${message}`);
      throw new EngineError('gpu-error', `The GPU program "${wanted.label}" does not compile: ${words.join('; ') || String(cause)}`, { cause });
    } finally {
      await scoped;
    }
  }

  private moduleOf({ label, code }: WantedPipeline): GPUShaderModule {
    return this.device.createShaderModule({ label, code });
  }

  private describe({ label, layout }: WantedPipeline, module: GPUShaderModule): GPUComputePipelineDescriptor {
    return { label, layout: this.device.createPipelineLayout({ bindGroupLayouts: [layout.layout] }), compute: { module, entryPoint: 'main' } };
  }

  private keep({ key, layout, code }: WantedPipeline, pipeline: GPUComputePipeline): CachedPipeline {
    const made = { pipeline, layout, code };
    this.cache.set(key, made);
    return made;
  }
}
