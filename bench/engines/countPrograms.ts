/** Counts compute dispatches of every WebGPU device in this process, whatever library makes them. */

export interface ProgramCounter {
  /** Dispatches since the last call. */
  take(): number;
}

/** Wraps the dispatch methods of GPUComputePassEncoder, which must be a global by now. Once a process. */
export function countPrograms(): ProgramCounter {
  let count = 0;
  const prototype = GPUComputePassEncoder.prototype as unknown as Record<string, (...values: unknown[]) => unknown>;
  for (const name of ['dispatchWorkgroups', 'dispatchWorkgroupsIndirect']) {
    const stock = prototype[name];
    if (!stock) continue;
    prototype[name] = function (this: unknown, ...values: unknown[]) {
      count++;
      return stock.apply(this, values);
    };
  }
  return {
    take: () => {
      const taken = count;
      count = 0;
      return taken;
    },
  };
}
