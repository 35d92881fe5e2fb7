/** Rotary position embedding (Su et al. 2021) in the rotate_half convention of Hugging Face models, over whole heads or (GPT-NeoX) their first values. */
import * as tf from '@tensorflow/tfjs-core';
import { EngineError } from '../../base/errors.ts';
import { assertTensor } from '../assertShape.ts';
import { assertSoleOwner } from '../assertSoleOwner.ts';
import { type KernelSpec, runKernel } from '../kernelSpec.ts';
import { assertPositions, ropeAngles, ropeRotateInPlace } from './rope.cpu.ts';
import { rotateProgram } from './rope.webgpu.ts';

const rotate: KernelSpec<'qkv' | 'cos' | 'sin' | 'positions'> = {
  name: 'SidestepRopeInPlace',
  inPlace: ['qkv'],
  outputs: () => [],
  host: ({ qkv, cos, sin, positions }, { heads, headDim, rotaryDim, direction }) =>
    ropeRotateInPlace(qkv.f32, cos.f32, sin.f32, positions.i32, qkv.shape[1]!, heads as number, headDim as number, direction === 1 ? 1 : -1, rotaryDim as number),
  wasm: (simd, { qkv, cos, sin, positions }, { heads, headDim, rotaryDim, direction }) => {
    assertPositions(simd.i32(positions), cos.shape[0]!);
    const [R, W] = qkv.shape as [number, number];
    const work = 3 * R * (heads as number) * (rotaryDim as number);
    simd.run('ropeInPlace', simd.parallel(work), R, W, heads as number, headDim as number, rotaryDim as number, direction as number, qkv.at, cos.at, sin.at, positions.at);
  },
  webgpu: ({ qkv, cos, sin, positions }, { heads, headDim, rotaryDim, direction }) => [
    rotateProgram(
      { qkv, cos, sin, positions },
      { rows: qkv.shape[0]!, width: qkv.shape[1]!, heads: heads as number, headDim: headDim as number, rotaryDim: rotaryDim as number, direction: direction as number },
    ),
  ],
};

export const ropeSpecs = [rotate] as KernelSpec[];

/** Where to turn which heads of rows q | k | v by how much. */
export interface Rotation {
  /** [P, rotaryDim/2] float32 of createRopeTables, borrowed. */
  cos: tf.Tensor;
  sin: tf.Tensor;
  /** [R] int32, borrowed; each in 0..P-1 (throws on WASM; on WebGPU a position outside reads the table's edge). */
  positions: tf.Tensor;
  /** How many heads at the beginning of each row are turned: queries and keys. */
  heads: number;
  headDim: number;
  /** How many values at the beginning of each head are turned: even, ≤ headDim. */
  rotaryDim: number;
}

/**
 * Rotates the pairs (x[i], x[i + D/2]) of the first D = rotaryDim values of the first heads of each row by the angle of their position, in
 * place. The gradient is the same with direction −1 (where the tables carry an attentionFactor too).
 * @param qkv       [R, W] float32, W ≥ heads · headDim, owned by the caller alone; rewritten
 * @param direction −1 turns back
 * @throws EngineError bad-shape, bad-argument if another tensor shares the storage of qkv
 */
export function rotateInPlace(qkv: tf.Tensor, { cos, sin, positions, heads, headDim, rotaryDim }: Rotation, direction: 1 | -1): void {
  assertTensor('rotateInPlace', 'qkv', qkv, [null, null]);
  if (heads * headDim > qkv.shape[1]!) throw new EngineError('bad-shape', `rotateInPlace: ${heads} heads of ${headDim} values do not fit rows of ${qkv.shape[1]}.`);
  if (!Number.isInteger(rotaryDim) || rotaryDim % 2 !== 0 || rotaryDim < 2 || rotaryDim > headDim)
    throw new EngineError('bad-shape', `rotateInPlace: ${rotaryDim} of a head's ${headDim} values cannot be rotated in pairs.`);
  assertTensor('rotateInPlace', 'cos', cos, [null, rotaryDim / 2]);
  assertTensor('rotateInPlace', 'sin', sin, cos.shape);
  assertTensor('rotateInPlace', 'positions', positions, [qkv.shape[0]!], 'int32');
  assertSoleOwner('rotateInPlace', 'qkv', qkv);
  runKernel(rotate.name, { qkv, cos, sin, positions }, { heads, headDim, rotaryDim, direction });
}

/**
 * The tables of `rotateInPlace`, made in float64 and rounded once: WGSL's own sin and cos are only accurate near zero.
 * @param frequencies of config/rope.ts inverseFrequencies: radians a position of each pair, and what sines and cosines are multiplied by
 * @returns cos and sin [maxPositionEmbeddings, rotaryDim / 2] float32, owned by the caller
 */
export function createRopeTables(maxPositionEmbeddings: number, frequencies: { inverse: Float64Array; attentionFactor: number }): { cos: tf.Tensor; sin: tf.Tensor } {
  const { cos, sin } = ropeAngles(maxPositionEmbeddings, frequencies.inverse, frequencies.attentionFactor);
  const shape: [number, number] = [maxPositionEmbeddings, frequencies.inverse.length];
  return { cos: tf.tensor2d(cos, shape), sin: tf.tensor2d(sin, shape) };
}
