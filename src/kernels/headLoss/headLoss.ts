/**
 * LM head and loss in one: from hidden states to log probabilities of the labels, semantic distances and distances to an anchor, and back to
 * gradients of hidden states and head. Works tile by tile over tokens and vocabulary, so that neither logits nor probabilities nor one-hots are
 * ever stored whole; the semantic term shares the logits of the cross-entropy. What is minimised is told by the gradients that come back
 * (see loss/semanticLoss.ts). Not for logits that are wanted themselves.
 *
 * Forward, a tile: z = X W_c^T; online softmax; mean embedding mu += exp(z - max) E_c.
 * Backward, a tile: z again (unless one tile holds all); pull = (gradDistance x) E_c^T; dz = gradLogProbs (onehot - p) + p (pull - gradDistance mu.x),
 * in place of z; gradHidden += dz W_c; gradHead_c += dz^T X.
 */
import * as tf from '@tensorflow/tfjs-core';
import { EngineError } from '../../base/errors.ts';
import { assertTensor } from '../assertShape.ts';
import { rowsOfBinding } from '../bindingLimit.ts';
import { deviceTraits } from '../deviceTraits.ts';
import { gatherRows } from '../embedding/embedding.ts';
import { addMatMul, matMul2d } from '../matMul/linear.ts';
import { bytesPerValue, isSlice, type Operand, type Slice, storageOf } from '../slice.ts';
import type { EmdObjective } from './headLoss.cpu.ts';
import { finish, logitGrad, pullToAnchor, scaleColumns, statsWidth, sweep, takeScaled } from './rowKernels.ts';
import { planTiles, type Run, runsOf, type TilePlan } from './tilePlan.ts';

/** A table whose rows count as unit vectors. */
export interface CostEmbedding {
  /** [V, D] float32 or packed: with rows of length 1 or 0, or of any length with `inverseLengths`. */
  embedding: Operand;
  /** [V] float32: what row k has to be multiplied with, 0 for rows of zeros; null where rows have their length already. */
  inverseLengths?: tf.Tensor | null;
}

/** Everything is borrowed until the backward pass is done. */
export interface HeadLossInputs {
  /** [N, C] float32: hidden states of the tokens to score. */
  hidden: tf.Tensor;
  /** [V, C] float32 or packed. */
  head: Operand;
  /** [N] int32 in 0..V-1: other values throw on WASM and give NaN on WebGPU. */
  labels: tf.Tensor;
  /** The semantic distance: a frozen table whose rows count as unit vectors (createCostEmbedding). */
  cost?: CostEmbedding & { objective: EmdObjective };
  /** The frozen distributions that `kl` is measured to: hidden [N, C'], head [V, C'] float32 or packed. */
  anchor?: { hidden: tf.Tensor; head: Operand };
  /** How to cut the logits; chosen by size if left out. */
  tiles?: TilePlan;
  /** WebGPU: one workgroup a row rather than one invocation; chosen by adapter if left out. */
  workgroupPerRow?: boolean;
}

/** What the forward pass gives: [N] float32 each, owned by it. */
export interface HeadLoss {
  /** log p(label), nats. */
  readonly logProbs: tf.Tensor;
  /** Semantic distance of p from the label; null without a cost. */
  readonly distance: tf.Tensor | null;
  /** KL(p || p_anchor), nats; null without an anchor. */
  readonly kl: tf.Tensor | null;
  /** Frees all of it; may be called again. */
  dispose(): void;
}

/** Gradients of what is minimised with respect to the results, [N] float32 each, borrowed. */
export interface HeadLossGrads {
  gradLogProbs: Operand;
  /** null without a cost. */
  gradDistance: Operand | null;
  /** null without an anchor. */
  gradKl: Operand | null;
}

/** What the backward pass needs of the forward pass. */
class HeadLossState implements HeadLoss {
  constructor(
    readonly inputs: HeadLossInputs,
    readonly plan: TilePlan,
    readonly group: boolean,
    readonly logProbs: tf.Tensor,
    readonly distance: tf.Tensor | null,
    readonly kl: tf.Tensor | null,
    readonly stats: tf.Tensor,
    /** [N, D]: x of the twin; given up by the backward pass. */
    private direction: tf.Tensor | null,
    /** exp(z - max) of all logits; given up by the backward pass. */
    private tile: tf.Tensor | null,
  ) {}

  /** The caller owns the direction from now on. */
  takeDirection(): tf.Tensor | null {
    const { direction } = this;
    this.direction = null;
    return direction;
  }

  takeTile(): tf.Tensor | null {
    const { tile } = this;
    this.tile = null;
    return tile;
  }

  dispose(): void {
    tf.dispose([this.logProbs, this.distance, this.kl, this.stats, this.takeDirection(), this.takeTile()].filter((t) => t !== null));
  }
}

/** Some rows of an operand [N, ...]. Runs begin at multiples of 64, or of 128 where values are packed, so that the slice is aligned whatever the row size. */
function rowsOf(operand: Operand, { from, count }: Run): Operand {
  const [total, ...rest] = operand.shape as [number, ...number[]];
  if (from === 0 && count === total) return operand;
  const slice: Slice = isSlice(operand) ? operand : { slab: operand, offset: 0, shape: operand.shape };
  return { ...slice, offset: slice.offset + from * tf.util.sizeFromShape(rest), shape: [count, ...rest] };
}

function sizesOf({ hidden, head, labels, cost, anchor }: HeadLossInputs): { N: number; V: number; C: number; D: number } {
  assertTensor('headLoss', 'hidden', hidden, [null, null]);
  const [N, C] = hidden.shape as [number, number];
  const fits = (operand: Operand, width: number | null) => operand.shape.length === 2 && operand.shape[0] === head.shape[0] && (width === null || operand.shape[1] === width);
  const refuse = (what: string, operand: Operand): never => {
    throw new EngineError('bad-shape', `headLoss: ${what} [${operand.shape}] does not fit hidden states [${hidden.shape}] and a head [${head.shape}].`);
  };
  if (N === 0) throw new EngineError('bad-shape', 'headLoss: there are no hidden states.');
  if (!fits(head, C)) refuse('head', head);
  assertTensor('headLoss', 'labels', labels, [N], 'int32');
  if (cost && !fits(cost.embedding, null)) refuse('cost embedding', cost.embedding);
  if (cost?.inverseLengths) assertTensor('headLoss', 'inverse lengths', cost.inverseLengths, [head.shape[0]!]);
  if (anchor) {
    assertTensor('headLoss', 'anchor.hidden', anchor.hidden, [N, null]);
    if (!fits(anchor.head, anchor.hidden.shape[1]!)) refuse('anchor.head', anchor.head);
  }
  return { N, V: head.shape[0]!, C, D: cost ? cost.embedding.shape[1]! : 0 };
}

/** The tiles for weights that may be packed or larger than what a program may see of a buffer. */
function tilesOf({ head, cost, anchor }: HeadLossInputs, N: number, V: number, C: number): TilePlan {
  const tables = [head, ...(cost ? [cost.embedding] : []), ...(anchor ? [anchor.head] : [])];
  const maxColumns = Math.min(...tables.map((table) => rowsOfBinding(bytesPerValue(table) * table.shape[1]!)));
  return planTiles(N, V, C, maxColumns, tables.some((table) => storageOf(table) !== undefined && table.shape[1]! % 2 === 1));
}

/** Logits times the vocabulary's inverse lengths, as a tile of its own: the tile itself is wanted later. @returns owned by the caller */
function timesLengths(tile: tf.Tensor, lengths: Operand): tf.Tensor {
  const scaled = tf.fill(tile.shape, 0);
  scaleColumns({ into: scaled, factors: lengths, x: tile });
  return scaled;
}

/** Whether the rows of the labels have to be taken out of the cost embedding first: where one program cannot read them as they lie. */
function readsByLabel({ embedding, inverseLengths }: CostEmbedding): boolean {
  return Boolean(inverseLengths) || storageOf(embedding) !== undefined || rowsOfBinding(bytesPerValue(embedding) * embedding.shape[1]!) < embedding.shape[0]!;
}

/** The labels' rows as unit vectors. @returns [N, D], owned by the caller */
function unitRowsOf({ embedding, inverseLengths }: CostEmbedding, labels: tf.Tensor): tf.Tensor {
  const rows = gatherRows(embedding, labels);
  if (!inverseLengths) return rows;
  const lengths = gatherRows({ slab: inverseLengths, offset: 0, shape: [inverseLengths.size, 1] }, labels);
  const unit = takeScaled(rows, { slab: lengths, offset: 0, shape: labels.shape }, false);
  tf.dispose([rows, lengths]);
  return unit;
}

const logitsOf = (hidden: Operand, head: Operand): tf.Tensor => matMul2d(hidden, head, { transposeB: true });

/**
 * @returns results and what `headLossBackward` needs; owned by the caller
 * @throws EngineError bad-shape, bad-argument
 */
export function headLossForward(inputs: HeadLossInputs): HeadLoss {
  return forward(inputs, true);
}

/** @param keep whether a backward pass follows */
function forward(inputs: HeadLossInputs, keep: boolean): HeadLossState {
  const { hidden, head, labels, cost, anchor } = inputs;
  const { N, V, C, D } = sizesOf(inputs);
  const plan = inputs.tiles ?? tilesOf(inputs, N, V, C);
  const group = inputs.workgroupPerRow ?? deviceTraits().adapterClass !== 'software';
  const stats = tf.fill([N, statsWidth], 0);
  // The anchor's share of the gradient needs the logits themselves, so its tile is not kept as exp(z - max).
  const keepsTile = keep && plan.whole && !anchor;
  let mean = cost && !plan.whole ? tf.fill([N, D], 0) : null;
  let kept: tf.Tensor | null = null;
  for (const rows of runsOf(N, plan.rows))
    for (const columns of runsOf(V, plan.columns)) {
      const tile = logitsOf(rowsOf(hidden, rows), rowsOf(head, columns));
      const anchorTile = anchor ? logitsOf(rowsOf(anchor.hidden, rows), rowsOf(anchor.head, columns)) : null;
      sweep(
        {
          tile,
          labels: rowsOf(labels, rows),
          stats: rowsOf(stats, rows),
          ...(mean ? { mean: rowsOf(mean, rows) } : {}),
          ...(anchorTile ? { anchor: anchorTile } : {}),
        },
        { from: columns.from, first: columns.from === 0, write: keepsTile || cost !== undefined, group },
      );
      anchorTile?.dispose();
      if (cost) {
        const lengths = cost.inverseLengths ? rowsOf(cost.inverseLengths, columns) : null;
        const weights = lengths && keepsTile ? timesLengths(tile, lengths) : tile;
        if (lengths && !keepsTile) scaleColumns({ into: tile, factors: lengths });
        if (mean) addMatMul(rowsOf(mean, rows), weights, rowsOf(cost.embedding, columns));
        else mean = matMul2d(weights, cost.embedding);
        if (weights !== tile) weights.dispose();
      }
      if (keepsTile) kept = tile;
      else tile.dispose();
    }
  const labelRows = cost && readsByLabel(cost) ? unitRowsOf(cost, labels) : null;
  const { logProbs, distance, kl } = finish(
    { stats, labels, ...(cost && mean ? { mean, embedding: labelRows ?? cost.embedding } : {}) },
    { objective: cost?.objective ?? 'none', V, anchored: anchor !== undefined, group, byRow: labelRows !== null },
  );
  labelRows?.dispose();
  return new HeadLossState(inputs, plan, group, logProbs, distance, kl, stats, mean, kept);
}

function assertGrads({ inputs, logProbs }: HeadLossState, { gradLogProbs, gradDistance, gradKl }: HeadLossGrads, gradHead: Slice | null): void {
  const [N] = logProbs.shape;
  for (const [name, grad] of Object.entries({ gradLogProbs, gradDistance, gradKl }))
    if (grad && (grad.shape.length !== 1 || grad.shape[0] !== N)) throw new EngineError('bad-shape', `headLossBackward: ${name} has shape [${grad.shape}], expected [${N}].`);
  if (Boolean(inputs.cost) !== Boolean(gradDistance) || Boolean(inputs.anchor) !== Boolean(gradKl))
    throw new EngineError('bad-argument', 'headLossBackward: gradDistance goes with a cost and gradKl with an anchor.');
  if (gradHead && storageOf(inputs.head)) throw new EngineError('bad-argument', 'headLossBackward: a packed head is frozen and takes no gradient.');
  if (gradHead && !tf.util.arraysEqual(gradHead.shape, inputs.head.shape))
    throw new EngineError('bad-shape', `headLossBackward: gradHead has shape [${gradHead.shape}], expected [${inputs.head.shape}].`);
}

/** pull += scaled · (unit rows of the cost embedding)ᵀ */
function addPull(pull: tf.Tensor, scaled: tf.Tensor, { embedding, inverseLengths }: CostEmbedding, columns: Run): void {
  if (!inverseLengths) return addMatMul(pull, scaled, rowsOf(embedding, columns), { transposeB: true });
  const product = logitsOf(scaled, rowsOf(embedding, columns));
  scaleColumns({ into: pull, factors: rowsOf(inverseLengths, columns), x: product });
  product.dispose();
}

/**
 * @param state    of `headLossForward`; what it kept for this is used up, its results stay: once only
 * @param gradHead [V, C] the gradient is added to it; null for a frozen head
 * @returns        gradient with respect to the hidden states [N, C], owned by the caller
 * @throws EngineError bad-shape, bad-argument
 */
export function headLossBackward(state: HeadLoss, grads: HeadLossGrads, gradHead: Slice | null): tf.Tensor {
  if (!(state instanceof HeadLossState)) throw new EngineError('bad-argument', 'headLossBackward needs what headLossForward returned.');
  assertGrads(state, grads, gradHead);
  const { inputs, plan, group, stats } = state;
  const { hidden, head, labels, cost, anchor } = inputs;
  const { N, V, C, D } = sizesOf(inputs);
  const { gradLogProbs, gradDistance, gradKl } = grads;
  const direction = state.takeDirection();
  const kept = state.takeTile();
  if (cost && !direction) throw new EngineError('bad-argument', 'headLossBackward was called a second time.');
  const rowRuns = runsOf(N, plan.rows);
  // With several runs of rows the gradient takes the place of the direction, run by run, where they have one size.
  const inDirection = rowRuns.length > 1 && direction !== null && D === C;
  let gradHidden = inDirection ? direction : rowRuns.length > 1 ? tf.fill([N, C], 0) : null;
  for (const rows of rowRuns) {
    const x = rowsOf(hidden, rows);
    const rowStats = rowsOf(stats, rows);
    const scaled = direction && gradDistance ? takeScaled(rowsOf(direction, rows), rowsOf(gradDistance, rows), inDirection) : null;
    if (rowRuns.length === 1) direction?.dispose();
    for (const columns of runsOf(V, plan.columns)) {
      const weight = rowsOf(head, columns);
      const tile = kept ?? logitsOf(x, weight);
      let pull: tf.Tensor | null = null;
      if (anchor && gradKl) {
        pull = logitsOf(rowsOf(anchor.hidden, rows), rowsOf(anchor.head, columns));
        pullToAnchor({ tile, anchor: pull, stats: rowStats, gradKl: rowsOf(gradKl, rows) });
        if (cost && scaled) addPull(pull, scaled, cost, columns);
      } else if (cost && scaled) {
        pull = logitsOf(scaled, rowsOf(cost.embedding, columns));
        if (cost.inverseLengths) scaleColumns({ into: pull, factors: rowsOf(cost.inverseLengths, columns) });
      }
      logitGrad(
        {
          tile,
          stats: rowStats,
          labels: rowsOf(labels, rows),
          gradLogProbs: rowsOf(gradLogProbs, rows),
          ...(pull ? { pull } : {}),
          ...(gradDistance ? { gradDistance: rowsOf(gradDistance, rows) } : {}),
        },
        { from: columns.from, kept: kept !== null, group },
      );
      pull?.dispose();
      if (gradHidden) addMatMul(rowsOf(gradHidden, rows), tile, weight);
      else gradHidden = matMul2d(tile, weight);
      if (gradHead) addMatMul(rowsOf(gradHead, columns), tile, x, { transposeA: true });
      tile.dispose();
    }
    scaled?.dispose();
  }
  if (rowRuns.length > 1 && !inDirection) direction?.dispose();
  return gradHidden!;
}

/**
 * log p(label) of each token, without a way back
 * @param hidden [N, C], borrowed @param head [V, C] float32 or packed, borrowed @param labels [N] int32, borrowed
 * @returns      [N], nats, owned by the caller
 * @throws EngineError bad-shape, bad-argument (as HeadLossInputs says)
 */
export function labelLogProbs(hidden: tf.Tensor, head: Operand, labels: tf.Tensor): tf.Tensor {
  // Without cost, anchor and tile, stats are all that is held beside the result.
  const { logProbs, stats } = forward({ hidden, head, labels }, false);
  stats.dispose();
  return logProbs;
}
