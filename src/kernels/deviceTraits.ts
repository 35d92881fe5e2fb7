/**
 * What kind of machine the active WebGPU device is, for kernels that come in variants. Whoever opens a device says it here, so that kernels
 * need not know who opens devices. Not for limits: those are on the device itself.
 */
import * as tf from '@tensorflow/tfjs-core';

/** 'software' runs on the CPU; 'integrated' shares the CPU's memory; 'discrete' has its own; 'unknown' is a browser that does not tell. */
export type AdapterClass = 'software' | 'integrated' | 'discrete' | 'unknown';

export interface DeviceTraits {
  adapterClass: AdapterClass;
  /** As the adapter names itself, lower case; '' if it does not. */
  vendor: string;
  architecture: string;
  /** The device has the feature and WGSL may `enable subgroups;`. */
  subgroups: boolean;
  /** Lanes of a subgroup: smallest and largest that the adapter may take; 0 where it does not tell. */
  subgroupMinSize: number;
  subgroupMaxSize: number;
  /** WGSL may `enable f16;`. */
  shaderF16: boolean;
  timestampQuery: boolean;
}

const traitsOf = new WeakMap<GPUDevice, DeviceTraits>();

export function setDeviceTraits(device: GPUDevice, traits: DeviceTraits): void {
  traitsOf.set(device, traits);
}

/** Traits of the device of tfjs' active backend; a device of which nothing was said counts as unknown and featureless. */
export function deviceTraits(): DeviceTraits {
  const { device } = tf.backend() as unknown as { device?: GPUDevice };
  const known = device && traitsOf.get(device);
  return known ?? { adapterClass: 'unknown', vendor: '', architecture: '', subgroups: false, subgroupMinSize: 0, subgroupMaxSize: 0, shaderF16: false, timestampQuery: false };
}
