/**
 * Compiles the GPU programs of some work before it runs: all at once, with progress, instead of one by one at the first dispatch.
 * Finds them by a dry run of the work itself, so no list of programs can go stale.
 */
import * as tf from '@tensorflow/tfjs-core';
import { EngineError, toFailure } from '../base/errors.ts';
import type { WebGpuHost } from './runWgsl.ts';
import { type Recording, streamOf } from './webgpu/commandStream.ts';

export interface CompileProgress {
  done: number;
  total: number;
}

/** Stock kernels compile without running while this flag of tfjs is set. */
const compileOnly = 'WEBGPU_ENGINE_COMPILE_ONLY';

/** While this one is set, stock kernels compute small tensors that have no GPU buffer on the CPU: in a dry run none has a buffer, or values. */
const cpuForward = 'WEBGPU_CPU_FORWARD';

/** Runs `record` with every dispatch replaced by a note of what it needs. */
async function dryRun(backend: WebGpuHost, record: () => void | Promise<void>): Promise<Recording & { failure: { thrown: unknown } | null }> {
  const stream = streamOf(backend);
  if (stream.recording) throw new EngineError('internal', 'compilePipelines was called within compilePipelines.');
  // What is recorded so far belongs to real work.
  stream.flush();
  const recording: Recording = { wanted: new Map() };
  stream.recording = recording;
  const usesCpu = tf.env().getBool(cpuForward);
  tf.env().set(compileOnly, true);
  tf.env().set(cpuForward, false);
  let failure: { thrown: unknown } | null = null;
  try {
    await record();
  } catch (thrown) {
    failure = { thrown };
  } finally {
    tf.env().set(compileOnly, false);
    tf.env().set(cpuForward, usesCpu);
    stream.recording = null;
  }
  return { ...recording, failure };
}

/** Stock programs that a dry run has sent to the compiler: each becomes a pipeline in tfjs' cache, or leaves it. */
function stockPipelines(backend: WebGpuHost): Promise<void>[] {
  const { pipelineCache } = backend;
  return Object.entries(pipelineCache).flatMap(([key, entry]) => {
    if (!(entry instanceof Promise)) return [];
    const kept = entry.then(
      (pipeline) => void (pipelineCache[key] = pipeline),
      (cause: unknown) => {
        delete pipelineCache[key];
        throw new EngineError('gpu-error', `The stock GPU program "${key}" does not compile: ${String(cause)}`, { cause });
      },
    );
    return [kept];
  });
}

/**
 * Runs `record` dry and compiles what it would have run, in parallel. In the dry run nothing is dispatched, allocated or uploaded on the
 * GPU, no tensor changes its values, and reads give zeros; what `record` does on the host (counters, random numbers) it really does.
 * No other GPU work may run meanwhile. Without WebGPU it does nothing, and `record` is not called.
 * @param record one piece of the work, with the shapes it will have; disposes what it makes
 * @param onProgress told at the beginning and after every pipeline; not told if all were there already
 * @returns how many pipelines were compiled
 * @throws EngineError gpu-error naming each program that does not compile with the compiler's words; whatever `record` throws
 */
export async function compilePipelines(record: () => void | Promise<void>, onProgress: (progress: CompileProgress) => void = () => {}): Promise<number> {
  if (tf.getBackend() !== 'webgpu') return 0;
  const backend = tf.backend() as unknown as WebGpuHost;
  const { wanted, failure } = await dryRun(backend, record);
  // Also after a failure: tfjs cannot run programs that it is still waiting for.
  const compiling = stockPipelines(backend);
  if (!failure) compiling.push(...[...wanted.values()].map((pipeline) => streamOf(backend).pipelines.compile(pipeline)));
  const total = compiling.length;
  let done = 0;
  if (total > 0) onProgress({ done, total });
  const outcomes = await Promise.allSettled(compiling.map((one) => one.then(() => onProgress({ done: ++done, total }))));
  if (failure) throw failure.thrown;
  const refused = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []));
  if (refused.length > 0) throw new EngineError('gpu-error', refused.map((reason) => toFailure(reason).message).join('\n'), { cause: refused[0] });
  return total;
}
