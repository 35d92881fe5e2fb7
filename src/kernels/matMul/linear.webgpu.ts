/** The WebGPU program of a linear op, in the version that suits the device and the sizes. */
import * as tf from '@tensorflow/tfjs-core';
import { deviceTraits } from '../deviceTraits.ts';
import type { KernelTensor } from '../kernelSpec.ts';
import type { WgslProgram } from '../runWgsl.ts';
import { chooseTile, defaultTuning, type MatMulTuning } from './chooseTile.ts';
import type { ProductSizes } from './linear.cpu.ts';
import { type ProductInputs, productProgram } from './product.webgpu.ts';

const tunings = new WeakMap<GPUDevice, MatMulTuning>();

const activeDevice = (): GPUDevice => (tf.backend() as unknown as { device: GPUDevice }).device;

/** What the device of the active backend runs: set by tuning, else a guess from the kind of device. */
export function matMulTuning(): MatMulTuning {
  const device = activeDevice();
  let tuning = tunings.get(device);
  if (!tuning) tunings.set(device, (tuning = defaultTuning(deviceTraits())));
  return tuning;
}

export function setMatMulTuning(tuning: MatMulTuning): void {
  tunings.set(activeDevice(), tuning);
}

/** op(a) · op(b) + bias + residual into `out`; `add` adds to what `out` holds. */
export function linearPrograms(inputs: ProductInputs, out: KernelTensor, sizes: ProductSizes, add: boolean): WgslProgram[] {
  return [productProgram(chooseTile(matMulTuning(), sizes), inputs, out, sizes, add)];
}
