/** What opening a backend takes and gives. Types only. */
import type { EngineError } from '../base/errors.ts';
import type { BackendName, EngineView, MemoryView } from '../protocol/views.ts';

export interface OpenOptions {
  /** Whether a WebGPU adapter that runs on the CPU counts as WebGPU; it is slower than WASM. */
  allowSoftwareAdapter: boolean;
  /** Where the tfjs WASM binaries are; see openWasm. */
  wasmPaths?: string | Record<string, string>;
  /** Threads for our WASM kernels, where memory can be shared; 1 if not given. Results do not depend on it. */
  threads?: number;
  /** The WebGPU entry point; the global `navigator.gpu` if not given. */
  gpu?: GPU;
}

/** The opened backend. Owned by the caller, who closes it. */
export interface OpenedBackend {
  backend: BackendName;
  adapter: EngineView['adapter'];
  /** Largest single buffer, bytes; null on WASM. */
  maxBufferSizeBytes: number | null;
  /** Largest buffer of all, which one program need not see whole; null on WASM. */
  maxTableBytes: number | null;
  /** Processor threads that our kernels use, the caller's included; 1 on WebGPU. */
  threads: number;
  /** Why there is only one on WASM; null otherwise. */
  oneThreadReason: string | null;
  /** Calls the listener for every GPU error; returns the function that ends it. */
  onGpuError(listener: (error: EngineError) => void): () => void;
  /** Waits until the work submitted so far is done. @throws EngineError gpu-error or device-lost if anything went wrong since the opening */
  assertHealthy(): Promise<void>;
  /** Resolves when the device is lost; never on WASM. */
  lost: Promise<EngineError>;
  /** Measured now. */
  memory(): MemoryView;
  /** Whether so many bytes more can be had; on WebGPU tried with buffers that are given back at once, on WASM counted. A refusal breaks nothing. */
  canAllocate(bytes: number): Promise<boolean>;
  /** Watches live tensor bytes until the function it returns is called, which gives the most there were. One watch at a time. */
  watchPeakBytes(): () => number;
  /** Gives pooled, unused GPU buffers back to the driver; nothing to do on WASM. */
  trimPool(): void;
  /** Frees every tensor of the backend and the device. The backend can be opened again afterwards. */
  close(): Promise<void>;
}
