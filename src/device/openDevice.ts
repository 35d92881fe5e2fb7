/**
 * Opens the compute backend and watches over it: which one, why, errors that tfjs would only log, and loss of the device.
 * Not for choosing by speed: the caller runs a first step and may open the other backend instead.
 */
import * as tf from '@tensorflow/tfjs-core';
import { EngineError } from '../base/errors.ts';
import type { BackendChoice, BackendName, EngineView, MemoryView } from '../protocol/views.ts';
import { installGuards } from './guards.ts';
import { openWasm } from './openWasm.ts';
import { openWebGpu } from './openWebgpu.ts';

export interface OpenOptions {
  /** Whether a WebGPU adapter that runs on the CPU counts as WebGPU; it is slower than WASM. */
  allowSoftwareAdapter: boolean;
  /** Where the tfjs WASM binaries are; see openWasm. */
  wasmPaths?: string | Record<string, string>;
  /** The WebGPU entry point; the global `navigator.gpu` if not given. */
  gpu?: GPU;
}

/** The opened backend. Owned by the caller, who closes it. */
export interface OpenedBackend {
  backend: BackendName;
  adapter: EngineView['adapter'];
  /** Largest single buffer, bytes; null on WASM. */
  maxBufferSizeBytes: number | null;
  /** Calls the listener for every GPU error; returns the function that ends it. */
  onGpuError(listener: (error: EngineError) => void): () => void;
  /** Waits until the work submitted so far is done. @throws EngineError gpu-error or device-lost if anything went wrong since the opening */
  assertHealthy(): Promise<void>;
  /** Resolves when the device is lost; never on WASM. */
  lost: Promise<EngineError>;
  /** Measured now. */
  memory(): MemoryView;
  /** Gives pooled, unused GPU buffers back to the driver; nothing to do on WASM. */
  trimPool(): void;
  /** Frees every tensor of the backend and the device. The backend can be opened again afterwards. */
  close(): Promise<void>;
}

async function openWasmBackend(options: OpenOptions): Promise<OpenedBackend> {
  await openWasm(options.wasmPaths);
  installGuards('wasm');
  return {
    backend: 'wasm',
    adapter: null,
    maxBufferSizeBytes: null,
    onGpuError: () => () => {},
    assertHealthy: async () => {},
    lost: new Promise(() => {}),
    memory: () => ({ numTensors: tf.memory().numTensors, tensorBytes: tf.memory().numBytes, gpuBytes: null }),
    trimPool: () => {},
    close: async () => {
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
