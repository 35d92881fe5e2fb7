/** Opens our engine in a benchmark's process, as the command line does: all cores on WASM. */
import { availableParallelism } from 'node:os';
import { type OpenedBackend, openBackend } from '../../src/device/openDevice.ts';
import { registerKernels } from '../../src/kernels/registerKernels.ts';
import { openNodeGpu } from '../../src/testing/nodeGpu.ts';

export async function openOurs(backend: 'webgpu' | 'wasm'): Promise<OpenedBackend> {
  const gpu = backend === 'webgpu' ? await openNodeGpu() : undefined;
  if (gpu === null) throw new Error('This machine has no WebGPU adapter.');
  const opened = await openBackend(backend, { allowSoftwareAdapter: true, threads: availableParallelism(), ...(gpu ? { gpu } : {}) });
  registerKernels(backend);
  return opened;
}
