/** Opens a backend for tests in Node, with our kernels registered. */
import * as tf from '@tensorflow/tfjs-core';
import { EngineError } from '../base/errors.ts';
import { type OpenedBackend, openBackend } from '../device/openDevice.ts';
import { registerKernels } from '../kernels/registerKernels.ts';
import { keyChecks } from '../kernels/runWgsl.ts';
import type { BackendName } from '../protocol/views.ts';
import { openNodeGpu } from './nodeGpu.ts';

/** Whether this machine has any WebGPU adapter, software included; for `describe.skipIf`. */
export async function hasTestGpu(): Promise<boolean> {
  return (await openNodeGpu()) !== null;
}

/** The backends this machine can test: one suite runs over all of them. */
export async function testBackends(): Promise<BackendName[]> {
  return (await hasTestGpu()) ? ['wasm', 'webgpu'] : ['wasm'];
}

/**
 * Opens 'wasm' or 'webgpu' and registers the kernels. On WebGPU nothing is computed on the CPU, and a shader key that is used for two
 * different shaders is an error. WASM gets one thread unless the test asks for more: many test files run at once. Call `close()` in afterAll, and `assertHealthy()` after each test: GPU errors do not throw by themselves.
 */
export async function openTestBackend(name: BackendName, threads = 1): Promise<OpenedBackend> {
  let gpu: GPU | undefined;
  if (name === 'webgpu') {
    gpu = (await openNodeGpu()) ?? undefined;
    if (!gpu) throw new EngineError('unsupported', 'This machine has no WebGPU adapter.');
  }
  const opened = await openBackend(name, { allowSoftwareAdapter: true, threads, ...(gpu ? { gpu } : {}) });
  if (name === 'webgpu') tf.env().set('WEBGPU_CPU_FORWARD', false);
  keyChecks.enabled = true;
  registerKernels(name);
  return opened;
}
