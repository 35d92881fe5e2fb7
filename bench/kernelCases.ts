/**
 * Our ops beside the composition of stock tfjs ops that they replace, at the sizes of workload S (GPT: 8 rows of 64 tokens,
 * hidden size 128, 4 heads, vocabulary 2048). Data only: who times them stands in kernels.bench.ts.
 */
import { createRequire } from 'node:module';
import * as tf from '@tensorflow/tfjs-core';
import { Rng } from '../src/base/rng.ts';
import { adamWStep } from '../src/kernels/adamW/adamW.ts';
import { inverseFrequencies } from '../src/config/rope.ts';
import { attentionFused, attentionFusedGrad } from '../src/kernels/attention/attentionFused.ts';
import { clipScale } from '../src/kernels/clipScale/clipScale.ts';
import { addEmbeddingGrad, embedTokens, gatherRows, scatterRows } from '../src/kernels/embedding/embedding.ts';
import { gatedActivation, gatedActivationGrad } from '../src/kernels/gatedActivation/gatedActivation.ts';
import { gelu, geluGrad } from '../src/kernels/gelu/gelu.ts';
import { headLossBackward, headLossForward } from '../src/kernels/headLoss/headLoss.ts';
import { layerNorm, layerNormGrad } from '../src/kernels/layerNorm/layerNorm.ts';
import { addLinearWeightGrad, linear, linearInputGrad } from '../src/kernels/matMul/linear.ts';
import { rmsNorm, rmsNormGrad } from '../src/kernels/rmsNorm/rmsNorm.ts';
import { createRopeTables, rotateInPlace } from '../src/kernels/rope/rope.ts';
import type { Slice } from '../src/kernels/slice.ts';

/** Both sides return the same values in the same order, in tensors that the caller disposes. Ops that write in place go on from their last result. */
export interface KernelCase {
  name: string;
  ours(): tf.Tensor[];
  stock(): tf.Tensor[];
  /** How far stock may be off, relatively, where its own arithmetic loses digits. */
  stockError?: number;
}

const [B, T, C, H, K, F, V] = [8, 64, 128, 4, 32, 512, 2048];
const R = B * T;
const parameters = 1_064_960;
const eps = 1e-5;

function normalStock(x: tf.Tensor, weight: tf.Tensor, bias: tf.Tensor | null): tf.Tensor {
  const centered = bias ? tf.sub(x, tf.mean(x, -1, true)) : x;
  const scaled = tf.mul(tf.mul(centered, tf.rsqrt(tf.add(tf.mean(tf.square(centered), -1, true), eps))), weight);
  return bias ? tf.add(scaled, bias) : scaled;
}

const geluStock = {
  tanh: (x: tf.Tensor): tf.Tensor => tf.mul(tf.mul(x, 0.5), tf.add(tf.tanh(tf.mul(Math.sqrt(2 / Math.PI), tf.add(x, tf.mul(0.044715, tf.mul(x, tf.square(x)))))), 1)),
  none: (x: tf.Tensor): tf.Tensor => tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1)),
};

/** Value and gradients of a composition, as autograd makes them. */
function withGradients(f: (...inputs: tf.Tensor[]) => tf.Tensor, inputs: tf.Tensor[], dy: tf.Tensor): tf.Tensor[] {
  const { value, grads } = tf.valueAndGrads((...xs: tf.Tensor[]) => f(...xs) as tf.Scalar)(inputs, dy as tf.Scalar);
  return [value, ...grads];
}

/** A gradient slice of its own slab, and its values as a tensor; zeroed after reading, as the optimizer does. */
function gradient(shape: number[]): { slice: Slice; take(): tf.Tensor } {
  const size = tf.util.sizeFromShape(shape);
  const slice: Slice = { slab: tf.zeros([size]), offset: 0, shape };
  return {
    slice,
    take: () => {
      const values = slice.slab;
      slice.slab = tf.keep(tf.zeros([size]));
      return tf.reshape(values, shape);
    },
  };
}

/**
 * The cases, with their inputs on the active backend. In place of stock autograd's gather gradient, which WASM lacks, stands a product with
 * one-hot rows there. Call it once a backend.
 */
export function kernelCases(): KernelCase[] {
  // Stock gradients of stock kernels, in place of ours; written for bundlers, whose rules `require` follows here and `import` does not.
  createRequire(import.meta.url)('@tensorflow/tfjs-core/dist/register_all_gradients');
  const rng = new Rng(7);
  const random = (...shape: number[]): tf.Tensor => tf.keep(tf.tensor(Float32Array.from({ length: tf.util.sizeFromShape(shape) }, () => rng.normal()), shape));
  const ints = (size: number, limit: number): tf.Tensor => tf.keep(tf.tensor1d(Int32Array.from({ length: size }, () => rng.int(limit)), 'int32'));
  const [x, dy, weight, bias] = [random(R, C), random(R, C), random(C), random(C)];
  const [wide, dyWide, gateUp] = [random(R, F), random(R, F), random(R, 2 * F)];
  const [table, positionTable] = [random(V, C), random(T, C)];
  const ids = ints(R, V);
  const positions = tf.keep(tf.tensor1d(Int32Array.from({ length: R }, (_, i) => i % T), 'int32'));
  const rows = tf.keep(tf.tensor1d(Int32Array.from({ length: R / 2 }, (_, i) => 2 * i), 'int32'));
  const halfRows = random(R / 2, C);
  const [gainGrad, biasGrad, tableGrad] = [gradient([C]), gradient([C]), gradient([V, C])];
  const rotation = { ...createRopeTables(T, inverseFrequencies({ theta: 10000, rotaryDim: K, scaling: null })), positions, heads: 2 * H, headDim: K, rotaryDim: K };
  const qkv = random(R, 3 * C);
  const grads = random(parameters);
  const adam = { learningRate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01, step: 1 };
  const [losses, held] = [tf.keep(tf.zeros([1])), tf.keep(tf.zeros([1]))];
  const gradScale = tf.keep(tf.tensor1d([1, 1]));
  const start = random(parameters);
  const ourState = { params: tf.keep(tf.add(start, 0)), m: tf.keep(tf.zeros([parameters])), v: tf.keep(tf.zeros([parameters])), grads: tf.keep(tf.add(grads, 0)) };
  const stockState = { params: tf.variable(tf.add(start, 0)), m: tf.variable(tf.zeros([parameters])), v: tf.variable(tf.zeros([parameters])) };

  const [weights, gradWeights, headGrad] = [random(3 * C, C), gradient([3 * C, C]), gradient([V, C])];
  const [dyQkv, wideBias] = [random(R, 3 * C), random(3 * C)];
  const attended = { B, T, H, G: H, K, scale: 1 / Math.sqrt(K), window: null };
  const firstSlots = tf.keep(tf.zeros([B], 'int32'));
  // Of the size that trained hidden states and heads give: logits of a few units.
  const [hidden, head] = [x, tf.keep(tf.mul(table, 0.1))];
  const gradLogProbs = tf.keep(tf.fill([R], -1 / R));
  const hiddenHeads = tf.keep(tf.where(tf.greater(tf.expandDims(tf.range(0, T), 0), tf.expandDims(tf.range(0, T), 1)), tf.fill([T, T], -1e9), tf.zeros([T, T])));
  const attentionStock = (t: tf.Tensor): tf.Tensor => {
    const [q, k, v] = tf.split(t, 3, -1).map((part) => tf.transpose(tf.reshape(part, [B, T, H, K]), [0, 2, 1, 3])) as [tf.Tensor, tf.Tensor, tf.Tensor];
    const scores = tf.add(tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(K)), hiddenHeads);
    return tf.reshape(tf.transpose(tf.matMul(tf.softmax(scores), v), [0, 2, 1, 3]), [R, C]);
  };
  const logProbsStock = (h: tf.Tensor, w: tf.Tensor): tf.Tensor => tf.sum(tf.mul(tf.logSoftmax(tf.matMul(h as tf.Tensor2D, w as tf.Tensor2D, false, true)), tf.oneHot(ids as tf.Tensor1D, V)), -1);

  const halves = (t: tf.Tensor, width: number): tf.Tensor[] => tf.split(t, [width, width], -1);
  const swiGluStock = (t: tf.Tensor): tf.Tensor => {
    const [gate, up] = halves(t, F) as [tf.Tensor, tf.Tensor];
    return tf.mul(tf.mul(gate, tf.sigmoid(gate)), up);
  };
  const segmentSum = (values: tf.Tensor, indices: tf.Tensor, count: number): tf.Tensor =>
    tf.getBackend() === 'wasm' ? tf.matMul(tf.oneHot(indices as tf.Tensor1D, count), values as tf.Tensor2D, true) : tf.unsortedSegmentSum(values, indices as tf.Tensor1D, count);

  return [
    { name: 'linear 128 to 384', ours: () => [linear(x, weights, { bias: wideBias })], stock: () => [tf.add(tf.matMul(x, weights, false, true), wideBias)] },
    {
      name: 'linear gradients',
      ours: () => {
        addLinearWeightGrad(dyQkv, x, gradWeights.slice);
        return [linearInputGrad(dyQkv, weights), gradWeights.take()];
      },
      stock: () => [tf.matMul(dyQkv, weights), tf.matMul(dyQkv, x, true)],
    },
    { name: 'attention', ours: () => [attentionFused(qkv, firstSlots, attended).out], stock: () => [attentionStock(qkv)] },
    {
      name: 'attention with gradient',
      ours: () => {
        const { out, logSumExp } = attentionFused(qkv, firstSlots, attended);
        return [out, attentionFusedGrad({ qkv, start: firstSlots, out, logSumExp, gradOut: dy }, attended)];
      },
      stock: () => withGradients((t) => attentionStock(t!), [qkv], dy),
    },
    {
      name: 'LM head loss with gradient',
      ours: () => {
        const state = headLossForward({ hidden, head, labels: ids });
        const gradHidden = headLossBackward(state, { gradLogProbs, gradDistance: null, gradKl: null }, headGrad.slice);
        const logProbs = tf.clone(state.logProbs);
        state.dispose();
        return [logProbs, gradHidden, headGrad.take()];
      },
      stock: () => withGradients((h, w) => logProbsStock(h!, w!), [hidden, head], gradLogProbs),
    },
    { name: 'RMSNorm', ours: () => [rmsNorm(x, weight, eps)], stock: () => [normalStock(x, weight, null)] },
    {
      name: 'RMSNorm with gradient',
      ours: () => [rmsNorm(x, weight, eps), rmsNormGrad({ x, weight, eps, gradY: dy, residualGrad: null, gradWeight: gainGrad.slice }), gainGrad.take()],
      stock: () => withGradients((a, w) => normalStock(a!, w!, null), [x, weight], dy),
    },
    { name: 'LayerNorm', ours: () => [layerNorm(x, weight, bias, eps)], stock: () => [normalStock(x, weight, bias)] },
    {
      name: 'LayerNorm with gradient',
      ours: () => [
        layerNorm(x, weight, bias, eps),
        layerNormGrad({ x, weight, eps, gradY: dy, residualGrad: null, gradWeight: gainGrad.slice, gradBias: biasGrad.slice }),
        gainGrad.take(),
        biasGrad.take(),
      ],
      stock: () => withGradients((a, w, b) => normalStock(a!, w!, b!), [x, weight, bias], dy),
    },
    ...(['tanh', 'none'] as const).flatMap((approximate): KernelCase[] => [
      { name: `GELU ${approximate === 'none' ? 'erf' : 'tanh'}`, ours: () => [gelu(wide, approximate)], stock: () => [geluStock[approximate](wide)] },
      {
        name: `GELU ${approximate === 'none' ? 'erf' : 'tanh'} with gradient`,
        ours: () => [gelu(wide, approximate), geluGrad(wide, dyWide, approximate)],
        stock: () => withGradients((a) => geluStock[approximate](a!), [wide], dyWide),
      },
    ]),
    { name: 'SwiGLU', ours: () => [gatedActivation(gateUp, 'silu')], stock: () => [swiGluStock(gateUp)] },
    { name: 'SwiGLU with gradient', ours: () => [gatedActivation(gateUp, 'silu'), gatedActivationGrad(gateUp, dyWide, 'silu')], stock: () => withGradients((a) => swiGluStock(a!), [gateUp], dyWide) },
    {
      name: 'RoPE in place',
      ours: () => {
        rotateInPlace(qkv, rotation, 1);
        return [tf.clone(qkv)];
      },
      stock: () => {
        const [turned, values] = tf.split(qkv, [2 * H * K, H * K], -1) as [tf.Tensor, tf.Tensor];
        const [low, high] = tf.split(tf.reshape(turned, [R, 2 * H, K]), 2, -1) as [tf.Tensor, tf.Tensor];
        const [c, s] = [rotation.cos, rotation.sin].map((angles) => tf.expandDims(tf.gather(angles, positions as tf.Tensor1D), 1)) as [tf.Tensor, tf.Tensor];
        const both = tf.concat([tf.sub(tf.mul(low, c), tf.mul(high, s)), tf.add(tf.mul(high, c), tf.mul(low, s))], -1);
        return [tf.concat([tf.reshape(both, [R, 2 * H * K]), values], -1)];
      },
    },
    {
      name: 'embedding with positions',
      ours: () => [embedTokens(table, ids, { table: positionTable, positions })],
      stock: () => [tf.add(tf.gather(table, ids as tf.Tensor1D), tf.gather(positionTable, positions as tf.Tensor1D))],
    },
    {
      name: 'embedding gradient',
      ours: () => {
        addEmbeddingGrad(dy, ids, tableGrad.slice);
        return [tableGrad.take()];
      },
      stock: () => [segmentSum(dy, ids, V)],
    },
    { name: 'gather rows', ours: () => [gatherRows(x, rows)], stock: () => [tf.gather(x, rows as tf.Tensor1D)] },
    { name: 'scatter rows', ours: () => [scatterRows(halfRows, rows, R)], stock: () => [segmentSum(halfRows, rows, R)] },
    {
      name: 'clipping norm, 1.06 M',
      // One float32 sum over a million squares.
      stockError: 1e-3,
      ours: () => [clipScale(grads, losses, held, 1, 1)],
      stock: () => {
        const norm = tf.sqrt(tf.sum(tf.square(grads)));
        return [tf.stack([norm, tf.minimum(tf.div(1, tf.add(norm, 1e-6)), 1)])];
      },
    },
    {
      name: 'AdamW, 1.06 M',
      ours: () => {
        adamWStep(ourState, { ...adam, gradScale });
        return [tf.clone(ourState.params)];
      },
      // From the second call on our gradients are zero; the arithmetic is the same.
      stock: () => {
        const { params, m, v } = stockState;
        m.assign(tf.add(tf.mul(m, adam.beta1), tf.mul(grads, 1 - adam.beta1)));
        v.assign(tf.add(tf.mul(v, adam.beta2), tf.mul(tf.square(grads), 1 - adam.beta2)));
        const step = tf.div(tf.mul(m, adam.learningRate / (1 - adam.beta1)), tf.add(tf.div(tf.sqrt(v), Math.sqrt(1 - adam.beta2)), adam.epsilon));
        params.assign(tf.sub(tf.mul(params, 1 - adam.learningRate * adam.weightDecay), step));
        return [tf.clone(params)];
      },
    },
  ];
}
