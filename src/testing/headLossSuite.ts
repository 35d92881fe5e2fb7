/** The chunked head loss and the objective on it against the plain twin of the whole, the same for every backend. */
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Rng } from '../base/rng.ts';
import type { OpenedBackend } from '../device/openDevice.ts';
import { headLossBackward, headLossForward, labelLogProbs } from '../kernels/headLoss/headLoss.ts';
import type { TilePlan } from '../kernels/headLoss/tilePlan.ts';
import { normalizeRows } from '../loss/semanticDistance.cpu.ts';
import type { Slice } from '../kernels/slice.ts';
import { semanticLossCpu } from '../loss/semanticLoss.cpu.ts';
import { semanticObjective } from '../loss/semanticLoss.ts';
import { assertAllClose } from './allclose.ts';
import { everySetting } from './randomObjective.ts';
import type { Tolerance } from './tolerances.ts';

const termsClose: Tolerance = { rtol: 5e-5, atol: 1e-5, reason: 'log-sum-exp of float32 products against float64' };
const gradsClose: Tolerance = { rtol: 5e-4, atol: 3e-6, reason: 'three float32 products, a softmax and prefix products in a row against float64' };

interface World {
  V: number;
  C: number;
  D: number;
  benign: { hidden: Float64Array; labels: Int32Array };
  unsafe: { hidden: Float64Array; labels: Int32Array; rowOffsets: Int32Array };
  base: { hidden: Float64Array; head: Float64Array; C: number };
  head: Float64Array;
  costEmbedding: Float64Array;
}

/** float32 values in float64 arrays, so that both sides start from the same numbers. */
function randomWorld(seed: number, sizes: { benign: number; rows: readonly number[]; V: number; C: number; D: number }): World {
  const rng = new Rng(seed);
  const { V, C, D, rows } = sizes;
  const normals = (length: number, scale: number) => Float64Array.from({ length }, () => Math.fround(rng.normal() * scale));
  const labels = (length: number) => Int32Array.from({ length }, () => rng.int(V));
  const rowOffsets = Int32Array.from([0, ...rows.map((_, r) => rows.slice(0, r + 1).reduce((a, b) => a + b, 0))]);
  const N = rowOffsets.at(-1)!;
  const costEmbedding = normals(V * D, 1).map((v, i) => v + (i % D === 0 ? 0.7 : 0));
  costEmbedding.fill(0, 0, D); // a token without an embedding
  const head = normals(V * C, 1 / Math.sqrt(C));
  const hidden = normals(N * C, 1);
  return {
    V,
    C,
    D,
    benign: { hidden: normals(sizes.benign * C, 1.5), labels: labels(sizes.benign) },
    unsafe: { hidden, labels: labels(N), rowOffsets },
    base: { hidden: hidden.map((v) => Math.fround(v + rng.normal() * 0.2)), head: head.map((v) => Math.fround(v + rng.normal() * 0.03)), C },
    head,
    costEmbedding: normalizeRows(costEmbedding, V, D).map(Math.fround),
  };
}

/** a [N, C] times b [V, C] transposed. */
function logitsOf(a: Float64Array, b: Float64Array, C: number): Float64Array {
  const [N, V] = [a.length / C, b.length / C];
  const out = new Float64Array(N * V);
  for (let n = 0; n < N; n++)
    for (let v = 0; v < V; v++) {
      let sum = 0;
      for (let c = 0; c < C; c++) sum += a[n * C + c]! * b[v * C + c]!;
      out[n * V + v] = sum;
    }
  return out;
}

/** Adds what gradients of logits [N, V] are for hidden states and head. */
function backThrough(gradLogits: Float64Array, hidden: Float64Array, head: Float64Array, C: number, gradHead: Float64Array): Float64Array {
  const [N, V] = [hidden.length / C, head.length / C];
  const gradHidden = new Float64Array(N * C);
  for (let n = 0; n < N; n++)
    for (let v = 0; v < V; v++) {
      const g = gradLogits[n * V + v]!;
      for (let c = 0; c < C; c++) {
        gradHidden[n * C + c]! += g * head[v * C + c]!;
        gradHead[v * C + c]! += g * hidden[n * C + c]!;
      }
    }
  return gradHidden;
}

function expectedOf(world: World, settings: (typeof everySetting)[number]) {
  const { V, C, D, benign, unsafe, base, head, costEmbedding } = world;
  const baseLogits = logitsOf(base.hidden, base.head, C);
  const baseLogProbs = Float64Array.from(unsafe.labels, (y, t) => {
    const row = baseLogits.subarray(t * V, (t + 1) * V);
    const max = row.reduce((a, b) => Math.max(a, b), -Infinity);
    return Math.fround(row[y]! - max - Math.log(row.reduce((sum, z) => sum + Math.exp(z - max), 0)));
  });
  const values = semanticLossCpu(
    {
      V,
      D,
      benignLogits: logitsOf(benign.hidden, head, C),
      benignLabels: benign.labels,
      unsafeLogits: logitsOf(unsafe.hidden, head, C),
      unsafeLabels: unsafe.labels,
      rowOffsets: unsafe.rowOffsets,
      baseLogProbs,
      baseLogits,
      costEmbedding,
    },
    settings,
  );
  const gradHead = new Float64Array(V * C);
  const gradBenign = backThrough(values.benignGradient, benign.hidden, head, C, gradHead);
  const gradUnsafe = backThrough(values.unsafeGradient, unsafe.hidden, head, C, gradHead);
  return { values, baseLogProbs, gradHead, gradBenign, gradUnsafe };
}

const one: TilePlan | undefined = undefined;
const small: TilePlan = { rows: 64, columns: 64, whole: false };
const wide: TilePlan = { rows: 1024, columns: 128, whole: false };

/** Sizes with their tiles: one tile, several of both kinds with ragged ends, odd widths. */
const cases = [
  { name: 'one tile', benign: 5, rows: [4, 1, 3], V: 9, C: 4, D: 3, tiles: one },
  { name: 'one tile with four logits at a time', benign: 3, rows: [2, 5], V: 260, C: 20, D: 20, tiles: one },
  { name: '2 x 4 tiles, direction and gradient in one place', benign: 7, rows: [40, 0, 31], V: 207, C: 12, D: 12, tiles: small },
  { name: '2 x 4 tiles, other cost width', benign: 70, rows: [65], V: 200, C: 9, D: 5, tiles: small },
  { name: 'one run of rows, three of the vocabulary', benign: 9, rows: [6, 7], V: 300, C: 16, D: 8, tiles: wide },
];

const values = async (tensor: tf.Tensor): Promise<Float32Array> => (await tensor.data()) as Float32Array;

/** @param open opens the backend, which must be healthy after every test */
export function describeHeadLoss(backendName: string, open: () => Promise<OpenedBackend>): void {
  let backend: OpenedBackend;
  beforeAll(async () => {
    backend = await open();
  });
  afterEach(() => backend.assertHealthy());
  afterAll(() => backend.close());

  /** Terms and gradients as training computes them. */
  async function compute(world: World, settings: (typeof everySetting)[number], baseLogProbs: Float64Array, tiles: TilePlan | undefined, workgroupPerRow: boolean) {
    const { V, C, D } = world;
    const matrix = (data: Float64Array, width: number) => tf.tensor2d(Float32Array.from(data), [data.length / width, width]);
    const ints = (data: Int32Array) => tf.tensor1d(data, 'int32');
    const before = tf.memory().numTensors;
    // Head and its gradient lie in slabs, behind something else.
    const slab = tf.tensor1d(Float32Array.from([...new Float64Array(64).fill(7), ...world.head]));
    const gradSlab = tf.fill([64 + V * C], 0.25);
    const head: Slice = { slab, offset: 64, shape: [V, C] };
    const gradHead: Slice = { slab: gradSlab, offset: 64, shape: [V, C] };
    const given = {
      benign: matrix(world.benign.hidden, C),
      benignLabels: ints(world.benign.labels),
      unsafe: matrix(world.unsafe.hidden, C),
      unsafeLabels: ints(world.unsafe.labels),
      rowOffsets: ints(world.unsafe.rowOffsets),
      baseLogProbs: tf.tensor1d(Float32Array.from(baseLogProbs)),
      embedding: matrix(world.costEmbedding, D),
      baseHidden: matrix(world.base.hidden, C),
      baseHead: matrix(world.base.head, C),
    };
    const common = { head, workgroupPerRow, ...(tiles ? { tiles } : {}) };
    const benign = headLossForward({ ...common, hidden: given.benign, labels: given.benignLabels });
    const unsafe = headLossForward({
      ...common,
      hidden: given.unsafe,
      labels: given.unsafeLabels,
      cost: { embedding: given.embedding, objective: settings.emdObjective },
      ...(settings.klBeta > 0 ? { anchor: { hidden: given.baseHidden, head: given.baseHead } } : {}),
    });
    const objective = semanticObjective(benign, { state: unsafe, rowOffsets: given.rowOffsets, baseLogProbs: given.baseLogProbs }, settings);
    const gradBenign = headLossBackward(benign, objective.benign!, gradHead);
    const gradUnsafe = headLossBackward(unsafe, objective.unsafe!, gradHead);
    const logProbs = await values(benign.logProbs);
    objective.dispose();
    benign.dispose();
    unsafe.dispose();
    const result = { terms: await values(objective.terms), gradBenign: await values(gradBenign), gradUnsafe: await values(gradUnsafe), gradSlab: await values(gradSlab), logProbs };
    tf.dispose([slab, gradSlab, gradBenign, gradUnsafe, objective.terms, ...Object.values(given)]);
    expect(tf.memory().numTensors).toBe(before);
    return result;
  }

  describe(`the chunked head loss on ${backendName}`, () => {
    for (const workgroupPerRow of backendName === 'webgpu' ? [false, true] : [false])
      it.each(cases.flatMap((sizes) => everySetting.map((settings) => ({ ...sizes, settings, title: `${settings.emdObjective}, ${settings.prefixWeighting}, beta ${settings.klBeta}` }))))(
        `has terms and gradients of the double-precision reference${workgroupPerRow ? ', one workgroup a row' : ''}: $name, $title`,
        async ({ settings, tiles, ...sizes }) => {
          const world = randomWorld(sizes.V, sizes);
          const expected = expectedOf(world, settings);
          const actual = await compute(world, settings, expected.baseLogProbs, tiles, workgroupPerRow);
          const { total, benign, semantic, kl, meanDistance, meanWeight } = expected.values;
          assertAllClose(actual.terms, [total, benign, semantic, kl, meanDistance, meanWeight], termsClose, 'terms');
          assertAllClose(actual.gradBenign, expected.gradBenign, gradsClose, 'benign hidden states');
          assertAllClose(actual.gradUnsafe, expected.gradUnsafe, gradsClose, 'unsafe hidden states');
          assertAllClose(actual.gradSlab.subarray(64), expected.gradHead.map((g) => g + 0.25), gradsClose, 'head');
          expect(actual.gradSlab.subarray(0, 64).every((g) => g === 0.25)).toBe(true);
        },
      );

    it('gives log probabilities that are stable for huge logits, and the same whole or in tiles', async () => {
      const hidden = tf.tensor2d([1, 0, 0, 1], [2, 2]);
      const table = new Float32Array(130 * 2).fill(-1e4);
      table.set([1e4, -1e4], 0);
      table.set([1e4, 0], 2 * 129);
      const head = tf.tensor2d(table, [130, 2]);
      const labels = tf.tensor1d([129, 129], 'int32');
      const whole = labelLogProbs(hidden, head, labels);
      const tiled = headLossForward({ hidden, head, labels, tiles: { rows: 2, columns: 64, whole: false } });
      assertAllClose(await values(whole), [-Math.LN2, 0], termsClose);
      assertAllClose(await values(tiled.logProbs), [-Math.LN2, 0], termsClose);
      tiled.dispose();
      tf.dispose([hidden, head, labels, whole]);
    });

    it('refuses a label outside the vocabulary, or gives NaN where a GPU cannot throw', async () => {
      const [hidden, head, labels] = [tf.ones([2, 3]), tf.ones([5, 3]), tf.tensor1d([4, 5], 'int32')] as const;
      if (backendName === 'webgpu') {
        const logProbs = labelLogProbs(hidden, head, labels);
        const [first, second] = await values(logProbs);
        expect(first).toBeCloseTo(-Math.log(5), 5);
        expect(second).toBeNaN();
        logProbs.dispose();
      } else expect(() => labelLogProbs(hidden, head, labels)).toThrow('label 5');
      tf.dispose([hidden, head, labels]);
    });

    it('makes weights 0 that are lost in float32, so that no denormal numbers slow the matrix products of an LM that has turned away', async () => {
      const N = 80;
      const [hidden, head, labels, grad] = [tf.ones([N, 3]), tf.tensor2d([[4, 0, 0], [0, 1, 0], [0, 0, 1]]), tf.fill([N], 1, 'int32'), tf.fill([N], 0)] as const;
      const rowOffsets = tf.tensor1d([0, N], 'int32');
      const state = headLossForward({ hidden, head, labels, cost: { embedding: head, objective: 'emd_exact' } });
      const settings = { ...everySetting[0]!, prefixWeighting: 'importance' as const };
      const objective = semanticObjective(null, { state, rowOffsets, baseLogProbs: grad }, settings);
      const { gradDistance, gradLogProbs } = objective.unsafe!;
      const all = await values(gradDistance.slab);
      const distances = all.subarray(gradDistance.offset, gradDistance.offset + N);
      expect(distances[1]).toBeLessThan(0);
      expect(distances[N - 1]).toBe(-0);
      const smallest = [...all.subarray(gradLogProbs.offset, gradLogProbs.offset + N), ...distances].filter((g) => g !== 0).reduce((least, g) => Math.min(least, Math.abs(g)), Infinity);
      expect(smallest).toBeGreaterThan(1e-18);
      objective.dispose();
      state.dispose();
      tf.dispose([hidden, head, labels, grad, rowOffsets, objective.terms]);
    });

    it('refuses operands that do not fit, gradients of the wrong kind and a second way back', () => {
      const [hidden, head, labels, grad] = [tf.ones([2, 3]), tf.ones([5, 3]), tf.tensor1d([4, 1], 'int32'), tf.ones([2])] as const;
      expect(() => headLossForward({ hidden, head: tf.tidy(() => tf.keep(tf.ones([5, 4]))), labels })).toThrow('does not fit');
      const state = headLossForward({ hidden, head, labels, cost: { embedding: head, objective: 'emd_exact' } });
      expect(() => headLossBackward(state, { gradLogProbs: grad, gradDistance: null, gradKl: null }, null)).toThrow('goes with a cost');
      const back = () => headLossBackward(state, { gradLogProbs: grad, gradDistance: grad, gradKl: null }, null);
      back().dispose();
      expect(back).toThrow('second time');
      expect(() => semanticObjective(null, null, { ...everySetting[0]! })).toThrow('benign or unsafe');
      state.dispose();
      tf.dispose([hidden, head, labels, grad]);
    });
  });
}
