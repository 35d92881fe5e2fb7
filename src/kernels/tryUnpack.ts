/**
 * Finds out when a device opens whether it decodes half precision exactly by itself: all 65 536 bit patterns are put through it. Where it does
 * not (subnormal numbers may become zero), kernels decode by integers, which takes longer.
 */
import * as tf from '@tensorflow/tfjs-core';
import { halfToFloat32 } from '../base/halfFloat.ts';
import { allocateTensor, readValues, writeTensorBytes } from './deviceBuffer.ts';
import { gatherRows } from './embedding/embedding.ts';
import { setUnpacksExactly } from './packed.webgpu.ts';

const count = 65536;
const columns = 8;

/** @returns whether the kernels of the active WebGPU device use its own instruction from now on */
export async function tryUnpack(): Promise<boolean> {
  const halves = Uint16Array.from({ length: count }, (_, i) => i);
  const slab = allocateTensor([count / 2], 'int32');
  writeTensorBytes(slab, 0, new Uint8Array(halves.buffer));
  setUnpacksExactly(true);
  const rows = tf.range(0, count / columns, 1, 'int32');
  const decoded = gatherRows({ slab, offset: 0, shape: [count / columns, columns], storage: 'f16' }, rows);
  const found = new Uint32Array((await readValues(decoded)).buffer);
  const expected = halfToFloat32(halves);
  const bits = new Uint32Array(expected.buffer);
  // A NaN may come with other bits.
  const exact = bits.every((word, i) => Number.isNaN(expected[i]) || word === found[i]);
  setUnpacksExactly(exact);
  tf.dispose([slab, rows, decoded]);
  return exact;
}
