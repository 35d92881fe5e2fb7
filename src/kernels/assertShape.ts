/** Argument checks that all ops share. */
import type * as tf from '@tensorflow/tfjs-core';
import { EngineError } from '../base/errors.ts';
import { type Operand, storageOf, tensorOf } from './slice.ts';

/**
 * Checks rank, sizes and dtype of a tensor; `null` in the pattern accepts any size.
 * @throws EngineError bad-shape or bad-argument, naming the op, the argument and both shapes
 */
export function assertTensor(op: string, name: string, tensor: tf.TensorInfo, pattern: readonly (number | null)[], dtype: 'float32' | 'int32' = 'float32'): void {
  const fits = tensor.shape.length === pattern.length && pattern.every((size, i) => size === null || size === tensor.shape[i]);
  if (!fits) throw new EngineError('bad-shape', `${op}: ${name} has shape [${tensor.shape}], expected [${pattern.map((size) => size ?? 'any')}].`);
  if (tensor.dtype !== dtype) throw new EngineError('bad-argument', `${op}: ${name} is ${tensor.dtype}, expected ${dtype}.`);
}

/** The last size of a shape. @throws EngineError bad-shape for a scalar */
export function lastSize(op: string, name: string, tensor: tf.TensorInfo): number {
  const size = tensor.shape.at(-1);
  if (size === undefined) throw new EngineError('bad-shape', `${op}: ${name} must have at least one axis.`);
  return size;
}

/**
 * assertTensor for a tensor or a slice of a slab, packed ones included: whether a kernel reads those is checked where it runs.
 * @throws EngineError bad-shape or bad-argument
 */
export function assertOperand(op: string, name: string, operand: Operand, pattern: readonly (number | null)[]): void {
  const { dataId, dtype } = tensorOf(operand);
  assertTensor(op, name, { dataId, dtype, shape: operand.shape }, pattern, storageOf(operand) ? 'int32' : 'float32');
}
