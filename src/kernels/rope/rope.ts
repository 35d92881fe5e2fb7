/** Rotary position embedding (Su et al. 2021) in the rotate_half convention of Hugging Face llama models. */
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
  host: ({ qkv, cos, sin, positions }, { heads, headDim, direction }) =>
    ropeRotateInPlace(qkv.f32, cos.f32, sin.f32, positions.i32, qkv.shape[1]!, heads as number, headDim as number, direction === 1 ? 1 : -1),
  wasm: (simd, { qkv, cos, sin, positions }, { heads, headDim, direction }) => {
    assertPositions(simd.i32(positions), cos.shape[0]!);
    const [R, W] = qkv.shape as [number, number];
    const work = 3 * R * (heads as number) * (headDim as number);
    simd.run('ropeInPlace', simd.parallel(work), R, W, heads as number, headDim as number, direction as number, qkv.at, cos.at, sin.at, positions.at);
  },
  webgpu: ({ qkv, cos, sin, positions }, { heads, headDim, direction }) => [
    rotateProgram(
      { qkv, cos, sin, positions },
      { rows: qkv.shape[0]!, width: qkv.shape[1]!, heads: heads as number, headDim: headDim as number, direction: direction as number },
    ),
  ],
};

export const ropeSpecs = [rotate] as KernelSpec[];

/** Where to turn which heads of rows q | k | v by how much. */
export interface Rotation {
  /** [P, K/2] float32 of createRopeTables, borrowed. */
  cos: tf.Tensor;
  sin: tf.Tensor;
  /** [R] int32, borrowed; each in 0..P-1 (throws on WASM; on WebGPU a position outside reads the table's edge). */
  positions: tf.Tensor;
  /** How many heads at the beginning of each row are turned: queries and keys. */
  heads: number;
  headDim: number;
}

/**
 * Rotates the pairs (x[i], x[i + K/2]) of the first heads of each row by position · theta^(−2i/K), in place. The gradient is the same with
 * direction −1.
 * @param qkv       [R, W] float32, W ≥ heads · headDim, owned by the caller alone; rewritten
 * @param direction −1 turns back
 * @throws EngineError bad-shape, bad-argument if another tensor shares the storage of qkv
 */
export function rotateInPlace(qkv: tf.Tensor, { cos, sin, positions, heads, headDim }: Rotation, direction: 1 | -1): void {
  assertTensor('rotateInPlace', 'qkv', qkv, [null, null]);
  if (headDim % 2 !== 0 || heads * headDim > qkv.shape[1]!) throw new EngineError('bad-shape', `rotateInPlace: ${heads} heads of ${headDim} values do not fit rows of ${qkv.shape[1]}, or are odd.`);
  assertTensor('rotateInPlace', 'cos', cos, [null, headDim / 2]);
  assertTensor('rotateInPlace', 'sin', sin, cos.shape);
  assertTensor('rotateInPlace', 'positions', positions, [qkv.shape[0]!], 'int32');
  assertSoleOwner('rotateInPlace', 'qkv', qkv);
  runKernel(rotate.name, { qkv, cos, sin, positions }, { heads, headDim, direction });
}

/**
 * The tables of `rotateInPlace`, made in float64 and rounded once: WGSL's own sin and cos are only accurate near zero.
 * @returns cos and sin [maxPositionEmbeddings, headDim / 2] float32, owned by the caller
 */
export function createRopeTables(config: { maxPositionEmbeddings: number; headDim: number; ropeTheta: number }): { cos: tf.Tensor; sin: tf.Tensor } {
  const { cos, sin } = ropeAngles(config.maxPositionEmbeddings, config.headDim, config.ropeTheta);
  const shape: [number, number] = [config.maxPositionEmbeddings, config.headDim / 2];
  return { cos: tf.tensor2d(cos, shape), sin: tf.tensor2d(sin, shape) };
}
