/** Copies of an LM, and of single parameters. */
import * as tf from '@tensorflow/tfjs-core';
import { readValues, writeTensorBytes } from '../kernels/deviceBuffer.ts';
import type { Slice } from '../kernels/slice.ts';
import { parameterLayout } from './parameterLayout.ts';
import { assembleTrainable, type LanguageModel } from './params.ts';

/** Packed slices begin at multiples of this many values; a parameter within a group may begin in between. */
const ALIGNMENT = 128;

/**
 * Values of one parameter as the LM holds it (see storedForm.ts for files), decoded.
 * @param parameter of an LM, borrowed
 * @returns owned by the caller
 */
export async function readParameter(parameter: Slice): Promise<Float32Array> {
  const before = parameter.offset % ALIGNMENT;
  const count = tf.util.sizeFromShape(parameter.shape);
  const values = await readValues({ ...parameter, offset: parameter.offset - before, shape: [before + count] });
  return before === 0 ? values : values.subarray(before);
}

/**
 * A second LM with the same weights in memory of its own, which can be trained whole: packed weights are decoded to float32.
 * @param lm borrowed @returns owned by the caller
 * @throws EngineError unsupported, out-of-memory where the device has no room for one slab of all weights
 */
export async function cloneLm(lm: LanguageModel): Promise<LanguageModel> {
  const layout = parameterLayout(lm.config);
  // tf.clone would share memory, which in-place optimizer steps rewrite; x · 1 is a copy and exact.
  if (lm.trainable && lm.trainable.slab === lm.embedding.slab) return assembleTrainable(lm.config, layout, tf.mul(lm.trainable.slab, 1));
  const slab = tf.fill([layout.size], 0);
  try {
    for (const [name, { offset }] of layout.places) {
      const values = await readParameter(lm.parameters.get(name)!);
      writeTensorBytes(slab, 4 * offset, new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    }
    return assembleTrainable(lm.config, layout, slab);
  } catch (thrown) {
    slab.dispose();
    throw thrown;
  }
}
