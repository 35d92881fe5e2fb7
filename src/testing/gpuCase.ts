/** Runs ops on real WebGPU and hands back numbers, checking the device's health each time. */
import type * as tf from '@tensorflow/tfjs-core';
import { dispose } from '@tensorflow/tfjs-core';
import type { OpenedBackend } from '../device/openDevice.ts';

/** Downloads the tensors, frees them, and fails on any GPU error, also of earlier work. */
export async function download(opened: OpenedBackend, tensors: tf.Tensor | tf.Tensor[]): Promise<Float32Array[]> {
  const list = Array.isArray(tensors) ? tensors : [tensors];
  const values = (await Promise.all(list.map((t) => t.data()))) as Float32Array[];
  dispose(list);
  await opened.assertHealthy();
  return values;
}
