/**
 * The tables of sines and cosines that an LM rotates by: one pair, or one for the full and one for the sliding layers. Not for the rotation
 * (kernels/rope) nor for learned positions.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { LayerType, LmConfig } from '../config/lmConfig.ts';
import { inverseFrequencies, type RopeConfig } from '../config/rope.ts';
import { createRopeTables } from '../kernels/rope/rope.ts';

/** [P, rotaryDim / 2] each, for as many positions P as were needed so far. */
export interface RopeTables {
  cos: tf.Tensor;
  sin: tf.Tensor;
  rotaryDim: number;
}

/** Owned by the LM. */
export interface Ropes {
  /** Borrowed until the next `cover`. */
  of(layer: LayerType): RopeTables;
  /** Makes sure that positions 0 .. count − 1 have their rows. @param count at most maxPositionEmbeddings */
  cover(count: number): void;
  dispose(): void;
}

/** Enough for every prompt of a studio: contexts go up to 131 072 positions, whose tables would weigh more than a small LM. */
const FIRST_POSITIONS = 1024;

/** @returns null where positions are learned */
export function createRopes({ rope, localRope, maxPositionEmbeddings }: LmConfig): Ropes | null {
  if (!rope) return null;
  let covered = 0;
  let tables: RopeTables[] = [];
  const tablesOf = (config: RopeConfig): RopeTables => {
    const { cos, sin } = createRopeTables(covered, inverseFrequencies(config));
    return { cos: tf.keep(cos), sin: tf.keep(sin), rotaryDim: config.rotaryDim };
  };
  const dispose = (): void => tables.forEach(({ cos, sin }) => tf.dispose([cos, sin]));
  const ropes: Ropes = {
    of: (layer) => tables[layer === 'sliding_attention' ? tables.length - 1 : 0]!,
    cover(count) {
      if (count <= covered) return;
      covered = Math.min(maxPositionEmbeddings, 2 ** Math.ceil(Math.log2(count)));
      dispose();
      tables = (localRope ? [rope, localRope] : [rope]).map(tablesOf);
    },
    dispose,
  };
  ropes.cover(Math.min(FIRST_POSITIONS, maxPositionEmbeddings));
  return ropes;
}
