/** Opens WebGPU on a device of our own: raised limits, every error kept, loss noticed. tfjs itself would do none of that. */
import * as tf from '@tensorflow/tfjs-core';
import { EngineError } from '../base/errors.ts';
import { setDeviceTraits } from '../kernels/deviceTraits.ts';
import { installCommandStream } from '../kernels/webgpu/commandStream.ts';
import type { WebGpuHost } from '../kernels/webgpu/webGpuHost.ts';
import type { EngineView } from '../protocol/views.ts';
import { adapterClass, type AdapterWords } from './adapterClass.ts';
import { canAllocateOnGpu, watchPeakBytes } from './deviceMemory.ts';
import { assertGuarded, installGuards } from './guards.ts';
import type { OpenedBackend, OpenOptions } from './openedBackend.ts';

/** Limits raised to what the adapter offers; the defaults refuse buffers over 128 MiB. */
const raisedLimits = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxComputeWorkgroupsPerDimension',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupStorageSize',
] as const;

/** Features that kernels may use where the adapter has them. The types of WebGPU do not know them all yet. */
const wantedFeatures = ['subgroups', 'shader-f16', 'timestamp-query'] as GPUFeatureName[];

/** What the adapter says of itself; newer browsers tell the sizes of its subgroups too. */
type AdapterSays = AdapterWords & { subgroupMinSize?: number; subgroupMaxSize?: number };

function wordsOf(adapter: GPUAdapter): AdapterSays {
  const { info, isFallbackAdapter } = adapter as unknown as { info?: AdapterSays; isFallbackAdapter?: boolean };
  const { vendor, architecture, description, device, type, subgroupMinSize, subgroupMaxSize } = info ?? {};
  const words = { vendor, architecture, description, device, type, subgroupMinSize, subgroupMaxSize, isFallbackAdapter: info?.isFallbackAdapter ?? isFallbackAdapter };
  return Object.fromEntries(Object.entries(words).filter(([, value]) => value !== undefined));
}

function describe(words: AdapterSays): NonNullable<EngineView['adapter']> {
  const { vendor = '', architecture = '', description = '' } = words;
  return { vendor, architecture, description, isSoftware: adapterClass(words) === 'software' };
}

function tellTraits(device: GPUDevice, words: AdapterSays): void {
  const has = (name: string): boolean => device.features.has(name);
  const { vendor = '', architecture = '', subgroupMinSize = 0, subgroupMaxSize = 0 } = words;
  setDeviceTraits(device, {
    adapterClass: adapterClass(words),
    vendor: vendor.toLowerCase(),
    architecture: architecture.toLowerCase(),
    subgroups: has('subgroups'),
    subgroupMinSize,
    subgroupMaxSize,
    shaderF16: has('shader-f16'),
    timestampQuery: has('timestamp-query'),
  });
}

async function requestDevice(options: OpenOptions): Promise<{ device: GPUDevice; adapterInfo: GPUAdapterInfo; view: NonNullable<EngineView['adapter']> }> {
  const gpu = options.gpu ?? (globalThis.navigator as Navigator | undefined)?.gpu;
  if (!gpu) throw new EngineError('unsupported', 'There is no WebGPU here.');
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (!adapter) throw new EngineError('unsupported', 'WebGPU finds no graphics adapter.');
  const words = wordsOf(adapter);
  const view = describe(words);
  if (view.isSoftware && !options.allowSoftwareAdapter)
    throw new EngineError('unsupported', `The only WebGPU adapter (${view.description || view.architecture || view.vendor}) runs on the CPU, where WebAssembly is faster.`);
  const requiredLimits = Object.fromEntries(raisedLimits.map((name) => [name, adapter.limits[name]]));
  const requiredFeatures = wantedFeatures.filter((name) => adapter.features.has(name));
  const device = await adapter.requestDevice({ requiredLimits, requiredFeatures });
  tellTraits(device, words);
  return { device, adapterInfo: (adapter as unknown as { info: GPUAdapterInfo }).info, view };
}

function toEngineError(error: GPUError): EngineError {
  const outOfMemory = typeof GPUOutOfMemoryError !== 'undefined' && error instanceof GPUOutOfMemoryError;
  return outOfMemory
    ? new EngineError('out-of-memory', `The GPU is out of memory: ${error.message}`)
    : new EngineError('gpu-error', `The GPU reported an error, so results since then are not valid: ${error.message}`);
}

/** Errors and loss of one device, from its creation on. */
class DeviceWatch {
  private readonly listeners = new Set<(error: EngineError) => void>();
  private firstError: EngineError | null = null;
  private closing = false;
  readonly lost: Promise<EngineError>;

  constructor(private readonly device: GPUDevice) {
    device.addEventListener('uncapturederror', (event) => this.note(toEngineError((event as GPUUncapturedErrorEvent).error)));
    this.lost = new Promise((resolve) => {
      void device.lost.then((info) => {
        if (this.closing) return;
        const error = new EngineError('device-lost', `The GPU device was lost${info.message ? `: ${info.message}` : '.'}`);
        // Loss explains every later error, so it replaces them.
        this.firstError = error;
        resolve(error);
      });
    });
  }

  private note(error: EngineError): void {
    if (this.closing) return;
    this.firstError ??= error;
    for (const listener of this.listeners) listener(error);
  }

  listen(listener: (error: EngineError) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Two round trips: errors of the submitted work are reported before the second one returns. */
  async check(): Promise<void> {
    await this.device.queue.onSubmittedWorkDone().catch(() => this.waitForLoss());
    this.device.pushErrorScope('validation');
    const scoped = await this.device.popErrorScope().catch(() => this.waitForLoss());
    if (scoped) this.note(toEngineError(scoped));
    if (this.firstError) throw this.firstError;
  }

  /** A refused round trip means that the device is lost; wait until it says so. */
  private async waitForLoss(): Promise<null> {
    await this.lost;
    return null;
  }

  close(): void {
    this.closing = true;
    this.device.destroy();
  }
}

/** Makes 'webgpu' the active tfjs backend. @throws EngineError unsupported if there is no usable adapter */
export async function openWebGpu(options: OpenOptions): Promise<OpenedBackend> {
  const { device, adapterInfo, view } = await requestDevice(options);
  const watch = new DeviceWatch(device);
  const { WebGPUBackend } = await import('@tensorflow/tfjs-backend-webgpu');
  // Kernels are registered by backend name, so our device takes the place of the one tfjs would open.
  if (tf.engine().registryFactory['webgpu']) tf.removeBackend('webgpu');
  tf.registerBackend('webgpu', () => new WebGPUBackend(device, adapterInfo), 3);
  if (!(await tf.setBackend('webgpu'))) throw new EngineError('unsupported', 'The WebGPU backend did not start.');
  await tf.ready();
  const stream = installCommandStream(tf.backend() as unknown as WebGpuHost);
  installGuards('webgpu');
  assertGuarded();
  return {
    backend: 'webgpu',
    adapter: view,
    threads: 1,
    oneThreadReason: null,
    maxBufferSizeBytes: Math.min(device.limits.maxBufferSize, device.limits.maxStorageBufferBindingSize),
    maxTableBytes: device.limits.maxBufferSize,
    onGpuError: (listener) => watch.listen(listener),
    assertHealthy: async () => {
      stream.flush();
      await watch.check();
    },
    lost: watch.lost,
    memory: () => {
      const measured = tf.memory() as tf.MemoryInfo & { numBytesAllocatedInGPU: number };
      return { numTensors: measured.numTensors, tensorBytes: measured.numBytes, gpuBytes: measured.numBytesAllocatedInGPU };
    },
    canAllocate: (bytes) => canAllocateOnGpu(device, bytes),
    watchPeakBytes,
    trimPool: () => {
      // Recorded but unsubmitted commands refer to buffers that lie free.
      stream.flush();
      stream.pool.trim();
    },
    close: async () => {
      tf.engine().reset();
      watch.close();
    },
  };
}
