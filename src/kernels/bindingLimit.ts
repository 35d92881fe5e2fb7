/**
 * How much of a buffer one program may see. Tables may be larger: kernels that read rows by index, and the head loss, take them in windows of
 * rows. A table must still fit one buffer, which holds more on many devices.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { KernelTensor } from './kernelTensor.ts';
import { sliceAlignment } from './slice.ts';

const limits = new WeakMap<GPUDevice, number>();

const activeDevice = (): GPUDevice | undefined => (tf.backend() as unknown as { device?: GPUDevice }).device;

/** Bytes that a binding may have on the active backend; Infinity where there are no bindings. */
export function maxBindingBytes(): number {
  const device = activeDevice();
  if (!device) return Infinity;
  return limits.get(device) ?? device.limits.maxStorageBufferBindingSize;
}

/** Lets the active device count as one with a smaller limit; for tests. @param bytes null for its own */
export function limitBindings(bytes: number | null): void {
  const device = activeDevice();
  if (!device) return;
  if (bytes === null) limits.delete(device);
  else limits.set(device, bytes);
}

/** Rows of `rowBytes` bytes that a binding holds, cut so that the rows after them begin where a slice may. At least one window's alignment. */
export function rowsOfBinding(rowBytes: number): number {
  const rows = Math.floor(maxBindingBytes() / rowBytes);
  // Packed rows of an odd length begin aligned every 128 rows only.
  const step = 2 * sliceAlignment;
  return rows === Infinity ? rows : Math.max(step, Math.floor(rows / step) * step);
}

/** Some rows of a table, as a program may see them. */
export interface RowWindow {
  first: number;
  /** [count, C], a slice of the table. */
  rows: KernelTensor;
}

/** A table [R, C] in as many windows as it takes; one, the table itself, where it fits. */
export function windowsOf(table: KernelTensor): RowWindow[] {
  const [R, C] = table.shape as [number, number];
  const most = rowsOfBinding((table.storage ? 2 : 4) * C);
  if (R <= most) return [{ first: 0, rows: table }];
  return Array.from({ length: Math.ceil(R / most) }, (_, i) => {
    const first = i * most;
    return { first, rows: { ...table, offset: (table.offset ?? 0) + first * C, shape: [Math.min(most, R - first), C] } };
  });
}
