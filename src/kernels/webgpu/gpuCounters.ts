/** What the GPU was asked to do, counted where the WebGPU calls are made: stock kernels count as well as ours. For tests and benchmarks. */

export interface GpuCounts {
  /** Dispatches. */
  programs: number;
  submits: number;
  /** Uploads of uniform values; a value that is on the device already costs none. */
  uniformWrites: number;
  /** Other uploads: tensors from the host. */
  bufferWrites: number;
  /** Of both kinds of upload. */
  bytesUploaded: number;
  bufferCreations: number;
  pipelineCreations: number;
  bindGroupCreations: number;
}

/** Since the process began, over all devices. Read it before and after, and subtract with `countsSince`. */
export const gpuCounters: GpuCounts = { programs: 0, submits: 0, uniformWrites: 0, bufferWrites: 0, bytesUploaded: 0, bufferCreations: 0, pipelineCreations: 0, bindGroupCreations: 0 };

/** @param before a copy of `gpuCounters` taken earlier: `{ ...gpuCounters }` */
export function countsSince(before: GpuCounts): GpuCounts {
  return Object.fromEntries(Object.entries(gpuCounters).map(([name, count]) => [name, count - before[name as keyof GpuCounts]])) as unknown as GpuCounts;
}

const uniformUsage = 0x40; // GPUBufferUsage.UNIFORM

/** Puts itself before the methods of a device and its queue. Dispatches are counted by those who record them. */
export function countCalls(device: GPUDevice): void {
  const { queue } = device;
  const createBuffer = device.createBuffer.bind(device);
  device.createBuffer = (descriptor) => {
    gpuCounters.bufferCreations++;
    if (descriptor.mappedAtCreation) {
      gpuCounters.bufferWrites++;
      gpuCounters.bytesUploaded += descriptor.size;
    }
    return createBuffer(descriptor);
  };
  const createComputePipeline = device.createComputePipeline.bind(device);
  device.createComputePipeline = (descriptor) => {
    gpuCounters.pipelineCreations++;
    return createComputePipeline(descriptor);
  };
  const createComputePipelineAsync = device.createComputePipelineAsync.bind(device);
  device.createComputePipelineAsync = (descriptor) => {
    gpuCounters.pipelineCreations++;
    return createComputePipelineAsync(descriptor);
  };
  const createBindGroup = device.createBindGroup.bind(device);
  device.createBindGroup = (descriptor) => {
    gpuCounters.bindGroupCreations++;
    return createBindGroup(descriptor);
  };
  const submit = queue.submit.bind(queue);
  queue.submit = (buffers) => {
    gpuCounters.submits++;
    return submit(buffers);
  };
  const writeBuffer = queue.writeBuffer.bind(queue) as (...args: Parameters<GPUQueue['writeBuffer']>) => undefined;
  queue.writeBuffer = (...args: Parameters<GPUQueue['writeBuffer']>) => {
    const [buffer, , data, , size] = args;
    gpuCounters[buffer.usage & uniformUsage ? 'uniformWrites' : 'bufferWrites']++;
    // `size` counts elements of a typed array, bytes of a buffer.
    const elementBytes = (data as { BYTES_PER_ELEMENT?: number }).BYTES_PER_ELEMENT ?? 1;
    gpuCounters.bytesUploaded += size === undefined ? data.byteLength : size * elementBytes;
    return writeBuffer(...args);
  };
}
