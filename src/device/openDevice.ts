/**
 * Opens the compute backend and watches over it: which one, why, errors that tfjs would only log, and loss of the device.
 * Not for choosing by speed: the caller runs a first step and may open the other backend instead.
 */
import * as tf from '@tensorflow/tfjs-core';
import { EngineError } from '../base/errors.ts';
import type { BackendChoice } from '../protocol/views.ts';
import { canAllocateOnWasm, watchPeakBytes } from './deviceMemory.ts';
import { assertGuarded, installGuards } from './guards.ts';
import type { OpenedBackend, OpenOptions } from './openedBackend.ts';
import { openWasm } from './openWasm.ts';
import { openWebGpu } from './openWebgpu.ts';

export type { OpenedBackend, OpenOptions };

async function openWasmBackend(options: OpenOptions): Promise<OpenedBackend> {
  const { threads, oneThreadReason, closeThreads } = await openWasm(options.wasmPaths, options.threads ?? 1);
  installGuards('wasm');
  assertGuarded();
  return {
    backend: 'wasm',
    adapter: null,
    maxBufferSizeBytes: null,
    maxTableBytes: null,
    threads,
    oneThreadReason,
    onGpuError: () => () => {},
    assertHealthy: async () => {},
    lost: new Promise(() => {}),
    memory: () => ({ numTensors: tf.memory().numTensors, tensorBytes: tf.memory().numBytes, gpuBytes: null }),
    canAllocate: (bytes) => Promise.resolve(canAllocateOnWasm(bytes)),
    watchPeakBytes,
    trimPool: () => {},
    close: async () => {
      closeThreads();
      // tfjs keeps the factory of 'wasm' registered: clearing the engine's instance is enough to open it again.
      tf.engine().reset();
    },
  };
}

/**
 * Opens the chosen backend and makes it tfjs' active one. 'auto' is WebGPU on hardware, else WASM.
 * @throws EngineError unsupported if the choice cannot be had, with the reason
 */
export async function openBackend(choice: BackendChoice, options: OpenOptions): Promise<OpenedBackend> {
  if (choice === 'wasm') return openWasmBackend(options);
  try {
    return await openWebGpu(options);
  } catch (error) {
    const unavailable = error instanceof EngineError && error.code === 'unsupported';
    if (choice === 'webgpu' || !unavailable) throw error;
    return openWasmBackend(options);
  }
}
