import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenedBackend } from '../../device/openDevice.ts';
import { openTestBackend } from '../../testing/backend.ts';
import { peakTensorBytes } from '../../testing/peakTensorBytes.ts';
import { statsWidth } from './headLoss.cpu.ts';
import { headLossBackward, headLossForward } from './headLoss.ts';
import { planTiles } from './tilePlan.ts';

let opened: OpenedBackend;
beforeAll(async () => {
  opened = await openTestBackend('wasm');
});
afterAll(() => opened.close());

const [N, V, C] = [150, 320, 48];
const tiles = { rows: 64, columns: 128, whole: false };

/** Peak of forward and backward in floats, weights, inputs and what comes in as gradients aside. */
function peakFloats(options: { semantic: boolean; anchored: boolean; D: number }): number {
  const { semantic, anchored, D } = options;
  const given = {
    hidden: tf.ones([N, C]),
    head: tf.ones([V, C]),
    labels: tf.zeros([N], 'int32'),
    embedding: tf.ones([V, D]),
    grad: tf.ones([N]),
    gradHead: tf.zeros([V * C]),
  };
  const { peakBytes } = peakTensorBytes(() => {
    const state = headLossForward({
      hidden: given.hidden,
      head: given.head,
      labels: given.labels,
      tiles,
      ...(semantic ? { cost: { embedding: given.embedding, objective: 'emd_lower_bound' as const } } : {}),
      ...(anchored ? { anchor: { hidden: given.hidden, head: given.head } } : {}),
    });
    const grads = { gradLogProbs: given.grad, gradDistance: semantic ? given.grad : null, gradKl: anchored ? given.grad : null };
    headLossBackward(state, grads, { slab: given.gradHead, offset: 0, shape: [V, C] }).dispose();
    state.dispose();
  });
  tf.dispose(Object.values(given));
  return peakBytes / 4;
}

const tile = tiles.rows * tiles.columns;

describe('the memory of the head loss', () => {
  it('is the gradient and one tile for cross-entropy alone', () => {
    expect(peakFloats({ semantic: false, anchored: false, D: 0 })).toBe(N * (statsWidth + 1) + N * C + tile);
  });

  it('is the gradient, the scratch rows of a run and two tiles with the semantic distance, whose directions give their place to the gradient', () => {
    expect(peakFloats({ semantic: true, anchored: false, D: C })).toBe(N * (statsWidth + 2) + N * C + tiles.rows * C + 2 * tile);
  });

  it('needs no more for the anchor but one number a token, and room for directions of another width', () => {
    expect(peakFloats({ semantic: true, anchored: true, D: C })).toBe(N * (statsWidth + 3) + N * C + tiles.rows * C + 2 * tile);
    expect(peakFloats({ semantic: true, anchored: false, D: 32 })).toBe(N * (statsWidth + 2) + N * C + (N + tiles.rows) * 32 + 2 * tile);
  });

  it.each([512, 1024, 8192])('is planned below twice the hidden states for %i unsafe tokens and a vocabulary of 50 257', (tokens) => {
    const width = 768;
    const { rows, columns, whole } = planTiles(tokens, 50257, width);
    expect(whole).toBe(false);
    expect(tokens * (width + statsWidth + 2) + rows * width + 2 * rows * columns).toBeLessThan(2 * tokens * (width + 2));
  });

  it('is one tile for small vocabularies', () => {
    expect(planTiles(512, 2048, 128)).toEqual({ rows: 512, columns: 2048, whole: true });
  });

  it('is cut at multiples of 64, where slices may begin', () => {
    for (const [tokens, V, width] of [[3, 3e6, 5], [257, 50257, 64], [5000, 32000, 4096], [100000, 1000, 8]] as const) {
      const { rows, columns } = planTiles(tokens, V, width);
      if (rows < tokens) expect(rows % 64).toBe(0);
      if (columns < V) expect(columns % 64).toBe(0);
    }
  });
});
