/** A one-layer LM made of every differentiable kernel, for tests of the kernels together. Not the engine's LM. */
import * as tf from '@tensorflow/tfjs-core';
import { Rng } from '../base/rng.ts';
import { causalAttention } from '../kernels/attention/attention.ts';
import { crossEntropy } from '../kernels/crossEntropy/crossEntropy.ts';
import { embedding } from '../kernels/embedding/embedding.ts';
import { linear } from '../kernels/matMul/matMul.ts';
import { rmsNorm } from '../kernels/rmsNorm/rmsNorm.ts';
import { createRopeTables, rope } from '../kernels/rope/rope.ts';
import { swiGlu } from '../kernels/swiGlu/swiGlu.ts';

const B = 2;
const T = 5;
const H = 2;
const K = 4;
const V = 11;
const C = H * K;

/** Parameters and the mean loss over a fixed batch with an ignored label and a row padded on the left. */
export function createTinyLm(seed: number): { names: string[]; params: tf.Variable[]; loss: () => tf.Scalar } {
  const rng = new Rng(seed);
  const make = (shape: number[], scale: number): tf.Variable =>
    tf.tidy(() => tf.variable(tf.tensor(Float32Array.from({ length: tf.util.sizeFromShape(shape) }, () => rng.normal() * scale), shape)));
  const weights = {
    table: make([V, C], 0.5),
    norm: make([C], 1),
    query: make([C, C], 0.4),
    key: make([C, C], 0.4),
    value: make([C, C], 0.4),
    gate: make([12, C], 0.4),
    up: make([12, C], 0.4),
    down: make([C, 12], 0.4),
  };
  const ids = tf.tensor2d(Array.from({ length: B * T }, () => rng.int(V)), [B, T], 'int32');
  const labels = tf.tensor1d(Array.from({ length: B * T }, (_, i) => (i === 3 ? -100 : rng.int(V))), 'int32');
  const positions = tf.tensor2d(Array.from({ length: B * T }, (_, i) => i % T), [B, T], 'int32');
  const start = tf.tensor1d([0, 1], 'int32');
  const { cos, sin } = createRopeTables({ maxPositionEmbeddings: T, headDim: K, ropeTheta: 100 });
  const heads = (x: tf.Tensor, weight: tf.Tensor): tf.Tensor => tf.reshape(linear(x, weight), [B, T, H, K]);
  const loss = (): tf.Scalar => {
    const x = embedding(weights.table, ids);
    const normed = rmsNorm(x, weights.norm, 1e-5);
    const q = rope(heads(normed, weights.query), cos, sin, positions);
    const k = rope(heads(normed, weights.key), cos, sin, positions);
    const attended = tf.add(x, tf.reshape(causalAttention(q, k, heads(normed, weights.value), { pastLength: 0, start }), [B, T, C]));
    const out = tf.add(attended, linear(swiGlu(linear(attended, weights.gate), linear(attended, weights.up)), weights.down));
    return tf.mean(crossEntropy(linear(tf.reshape(out, [B * T, C]), weights.table), labels)) as tf.Scalar;
  };
  return { names: Object.keys(weights), params: Object.values(weights), loss };
}
