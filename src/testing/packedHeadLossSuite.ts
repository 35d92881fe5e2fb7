/** The head loss on packed tables, and on tables that a program may not see whole, the same for every backend. */
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { OpenedBackend } from '../device/openDevice.ts';
import { limitBindings } from '../kernels/bindingLimit.ts';
import { embedTokens, gatherRows } from '../kernels/embedding/embedding.ts';
import { type CostEmbedding, headLossBackward, headLossForward, type HeadLossInputs, labelLogProbs } from '../kernels/headLoss/headLoss.ts';
import type { TilePlan } from '../kernels/headLoss/tilePlan.ts';
import { matMul2d } from '../kernels/matMul/linear.ts';
import type { Operand } from '../kernels/slice.ts';
import { createCostEmbedding, disposeCostEmbedding } from '../loss/costEmbedding.ts';
import { assertAllClose } from './allclose.ts';
import { randomFloats, randomInts } from './arrays.ts';
import { bitsOf, decodedTensor, packedSlice, packedStorages } from './packed.ts';
import type { Tolerance } from './tolerances.ts';

const scaledLater: Tolerance = { rtol: 2e-5, atol: 2e-6, reason: 'rows scaled to length 1 after the product, not before' };

interface Tables {
  head: Operand;
  anchorHead: Operand;
  cost: CostEmbedding | null;
}

/** Results and gradient of the hidden states. */
async function run(sizes: { N: number; V: number; C: number }, tables: Tables, options: { objective: 'emd_exact' | 'emd_lower_bound'; anchored: boolean; tiles?: TilePlan }): Promise<Float32Array[]> {
  const { N, V, C } = sizes;
  const [hidden, anchorHidden] = [1, 2].map((seed) => tf.tensor2d(randomFloats(N * C, seed), [N, C])) as [tf.Tensor, tf.Tensor];
  const labels = tf.tensor1d(randomInts(N, V, 3), 'int32');
  const grad = tf.tensor1d(randomFloats(N, 4));
  const { head, anchorHead, cost } = tables;
  const inputs: HeadLossInputs = {
    hidden,
    head,
    labels,
    ...(cost ? { cost: { ...cost, objective: options.objective } } : {}),
    ...(options.anchored ? { anchor: { hidden: anchorHidden, head: anchorHead } } : {}),
    ...(options.tiles ? { tiles: options.tiles } : {}),
  };
  const state = headLossForward(inputs);
  const gradHidden = headLossBackward(state, { gradLogProbs: grad, gradDistance: cost ? grad : null, gradKl: options.anchored ? grad : null }, null);
  const results = [state.logProbs, state.distance, state.kl, gradHidden].filter((tensor) => tensor !== null);
  const values = await Promise.all(results.map((tensor) => tensor.data() as Promise<Float32Array>));
  state.dispose();
  tf.dispose([hidden, anchorHidden, labels, grad, gradHidden]);
  return values;
}

/** @param open opens the backend, which must be healthy after every test */
export function describePackedHeadLoss(backendName: string, open: () => Promise<OpenedBackend>): void {
  let backend: OpenedBackend;
  beforeAll(async () => {
    backend = await open();
  });
  afterEach(() => backend.assertHealthy());
  afterAll(() => backend.close());

  const tiles: TilePlan = { rows: 64, columns: 128, whole: false };
  const cases = [
    { name: 'one tile', N: 5, V: 132, C: 8, anchored: false },
    { name: 'one tile, odd width, anchored', N: 6, V: 67, C: 9, anchored: true },
    { name: 'tiles', N: 70, V: 300, C: 16, anchored: false, tiles },
    { name: 'tiles of odd width, anchored', N: 70, V: 201, C: 7, anchored: true, tiles },
  ];

  describe.each(packedStorages)(`the head loss on tables packed as %s on ${backendName}`, (storage) => {
    it.each(cases)('has the bits of the decoded tables: $name', async ({ anchored, tiles, ...sizes }) => {
      const { V, C } = sizes;
      const [head, anchorHead] = [7, 8].map((seed) => packedSlice(randomFloats(V * C, seed), [V, C], storage)) as [ReturnType<typeof packedSlice>, ReturnType<typeof packedSlice>];
      const [decodedHead, decodedAnchor] = [decodedTensor(head), decodedTensor(anchorHead)];
      const options = { objective: 'emd_exact' as const, anchored, ...(tiles ? { tiles } : {}) };
      const found = await run(sizes, { head: head.slice, anchorHead: anchorHead.slice, cost: null }, options);
      const expected = await run(sizes, { head: decodedHead, anchorHead: decodedAnchor, cost: null }, options);
      expect(found.map(bitsOf)).toEqual(expected.map(bitsOf));
      tf.dispose([head.slice.slab, anchorHead.slice.slab, decodedHead, decodedAnchor]);
    });

    it.each(cases.flatMap((sizes) => (['emd_exact', 'emd_lower_bound'] as const).map((objective) => ({ ...sizes, objective }))))('measures distances in a packed table as in its copy of unit rows: $name, $objective', async ({ anchored, objective, tiles, ...sizes }) => {
      const { V, C } = sizes;
      const values = randomFloats(V * C, 9).map((value, i) => value + (i % C === 0 ? 0.7 : 0));
      values.fill(0, 3 * C, 4 * C);
      const example = packedSlice(values, [V, C], storage);
      const decoded = decodedTensor(example);
      const before = tf.memory().numTensors;
      const [packed, copy] = [createCostEmbedding(example.slice), createCostEmbedding(decoded)];
      expect(tf.memory().numTensors).toBe(before + 2);
      expect((await packed.inverseLengths!.data())[3]).toBe(0);
      const options = { objective, anchored, ...(tiles ? { tiles } : {}) };
      const found = await run(sizes, { head: example.slice, anchorHead: example.slice, cost: packed }, options);
      const expected = await run(sizes, { head: decoded, anchorHead: decoded, cost: copy }, options);
      found.forEach((part, i) => assertAllClose(part, expected[i]!, scaledLater, `part ${i}`));
      disposeCostEmbedding(packed);
      disposeCostEmbedding(copy);
      expect(tf.memory().numTensors).toBe(before);
      tf.dispose([example.slice.slab, decoded]);
    });

    it('takes no gradient for a packed head', () => {
      const { slice } = packedSlice(randomFloats(20, 1), [5, 4], storage);
      const [hidden, labels, grad] = [tf.ones([2, 4]), tf.tensor1d([1, 2], 'int32'), tf.ones([2])];
      const state = headLossForward({ hidden, head: slice, labels });
      expect(() => headLossBackward(state, { gradLogProbs: grad, gradDistance: null, gradKl: null }, { slab: slice.slab, offset: 0, shape: [5, 4] })).toThrow('frozen');
      state.dispose();
      tf.dispose([slice.slab, hidden, labels, grad]);
    });
  });

  if (backendName !== 'webgpu') return;
  describe.each(['f32', ...packedStorages] as const)(`tables in %s larger than a binding on ${backendName}`, (storage) => {
    it.each([8, 9])('are read in windows of rows with the same bits: %i columns', async (C) => {
      const [N, V, T] = [4, 700, 4];
      const example = packedSlice(randomFloats(V * C, 1), [V, C], storage === 'f32' ? 'f16' : storage);
      const table: Operand = storage === 'f32' ? decodedTensor(example) : example.slice;
      const cost = createCostEmbedding(table);
      const ids = tf.tensor1d(Int32Array.of(0, 255, 256, 699), 'int32');
      const [hidden, labels] = [tf.tensor2d(randomFloats(T * C, 3), [T, C]), ids];
      const work = async (): Promise<Float32Array[]> => {
        const made = [embedTokens(table, ids), gatherRows(table, ids), matMul2d(hidden, table, { transposeB: true }), labelLogProbs(hidden, table, labels)];
        const values = await Promise.all(made.map((tensor) => tensor.data() as Promise<Float32Array>));
        tf.dispose(made);
        return values;
      };
      const loss = (limited: boolean) =>
        run({ N, V, C }, { head: table, anchorHead: table, cost }, { objective: 'emd_exact', anchored: true, ...(limited ? {} : { tiles: { rows: N, columns: 256, whole: false } }) });
      const expected = [await work(), await loss(false)];
      // Two windows of 256 rows and one of 188.
      limitBindings((storage === 'f32' ? 4 : 2) * C * 300);
      const found = await Promise.all([work(), loss(true)]).finally(() => limitBindings(null));
      expect(found[0]!.slice(0, 3).map(bitsOf)).toEqual(expected[0]!.slice(0, 3).map(bitsOf));
      assertAllClose(found[0]![3]!, expected[0]![3]!, scaledLater, 'log probabilities');
      expect(found[1]!.map(bitsOf)).toEqual(expected[1]!.map(bitsOf));
      disposeCostEmbedding(cost);
      tf.dispose([example.slice.slab, ids, hidden, ...(storage === 'f32' ? [table as tf.Tensor] : [])]);
    });
  });
}
