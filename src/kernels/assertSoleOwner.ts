/** Guards in-place kernels: tfjs shares storage between clones, reshapes and variables, and all of them would change together. */
import * as tf from '@tensorflow/tfjs-core';
import { EngineError } from '../base/errors.ts';

/**
 * @throws EngineError bad-argument if another tensor still shares this one's storage: dispose it first, or copy the values instead
 */
export function assertSoleOwner(op: string, name: string, tensor: tf.Tensor): void {
  const owners = tf.engine().backend.refCount(tensor.dataId);
  if (owners > 1)
    throw new EngineError('bad-argument', `${op}: ${name} is written in place, but ${owners} tensors share its storage; dispose the others (clone and reshape do not copy) or copy the values.`);
}
