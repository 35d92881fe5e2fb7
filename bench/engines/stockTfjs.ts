/**
 * Workload S on stock tfjs 4.22, webgpu or wasm: unpatched kernels, the taped gradient, tf.train.adam, and decoupled decay beside it.
 * The one kernel that the wasm backend lacks for it (UnsortedSegmentSum, the gradient of a lookup) is added by hand.
 */
import { createRequire } from 'node:module';
import * as tf from '@tensorflow/tfjs-core';
import { batchCount, gpt2AdamW, gpt2Size, layerNormEpsilon, readGpt2Data } from '../gpt2Step.ts';
import { openNodeGpu } from '../../src/testing/nodeGpu.ts';
import { countPrograms } from './countPrograms.ts';
import type { OpenEngine } from './engine.ts';
import { runSteps } from './runSteps.ts';

interface WasmHeap {
  makeOutput(shape: number[], dtype: tf.DataType): tf.TensorInfo;
  typedArrayFromHeap(tensor: tf.TensorInfo): Float32Array | Int32Array;
}

function registerSegmentSum(): void {
  tf.registerKernel({
    kernelName: 'UnsortedSegmentSum',
    backendName: 'wasm',
    kernelFunc: ({ inputs, backend, attrs }) => {
      const { x, segmentIds } = inputs as { x: tf.TensorInfo; segmentIds: tf.TensorInfo };
      const heap = backend as unknown as WasmHeap;
      const out = heap.makeOutput([(attrs as { numSegments: number }).numSegments, ...x.shape.slice(segmentIds.shape.length)], x.dtype);
      const [sums, values, segments] = [out, x, segmentIds].map((tensor) => heap.typedArrayFromHeap(tensor)) as [Float32Array, Float32Array, Int32Array];
      sums.fill(0);
      const width = values.length / segments.length;
      segments.forEach((segment, i) => {
        for (let j = 0; j < width; j++) sums[segment * width + j]! += values[i * width + j]!;
      });
      return out;
    },
  });
}

// Written for bundlers, whose rules `require` follows here and `import` does not. It shares engine and registries through globals.
createRequire(import.meta.url)('@tensorflow/tfjs-core/dist/register_all_gradients');

const open: OpenEngine<{ backend: 'webgpu' | 'wasm'; dataPath: string }> = async ({ backend, dataPath }) => {
  if (backend === 'webgpu') {
    if (!(await openNodeGpu())) throw new Error('This machine has no WebGPU adapter.');
    await import('@tensorflow/tfjs-backend-webgpu');
  } else {
    await import('@tensorflow/tfjs-backend-wasm');
    registerSegmentSum();
  }
  if (!(await tf.setBackend(backend))) throw new Error(`tfjs could not open ${backend}.`);
  await tf.ready();
  const { weights, batches } = readGpt2Data(dataPath);
  const { hiddenSize: C, vocabSize: V, numLayers, numHeads: H, seqLength: T, batchSize: B } = gpt2Size;
  const variables = new Map([...weights].map(([name, { shape, data }]) => [name, tf.variable(tf.tensor(data, shape), true, name)]));
  const param = (name: string): tf.Variable => variables.get(`transformer.${name}`) as tf.Variable;

  const layerNorm = (x: tf.Tensor, name: string): tf.Tensor => {
    const centered = tf.sub(x, tf.mean(x, -1, true));
    const variance = tf.mean(tf.square(centered), -1, true);
    return tf.add(tf.mul(tf.mul(centered, tf.rsqrt(tf.add(variance, layerNormEpsilon))), param(`${name}.weight`)), param(`${name}.bias`));
  };
  const gelu = (x: tf.Tensor): tf.Tensor =>
    tf.mul(tf.mul(x, 0.5), tf.add(1, tf.tanh(tf.mul(Math.sqrt(2 / Math.PI), tf.add(x, tf.mul(0.044715, tf.mul(x, tf.mul(x, x))))))));
  const linear = (x: tf.Tensor, name: string): tf.Tensor => tf.add(tf.matMul(x as tf.Tensor2D, param(`${name}.weight`) as tf.Tensor as tf.Tensor2D), param(`${name}.bias`));
  // A finite number: the backend's softmax may take infinity for undefined.
  const mask = tf.tensor(Float32Array.from({ length: T * T }, (_, i) => (i % T > Math.floor(i / T) ? -1e9 : 0)), [T, T]);
  const attention = (qkv: tf.Tensor): tf.Tensor => {
    const [q, k, v] = tf.split(tf.reshape(qkv, [B, T, 3 * C]), 3, -1).map((part) => tf.transpose(tf.reshape(part, [B, T, H, C / H]), [0, 2, 1, 3]));
    const weights = tf.softmax(tf.add(tf.mul(tf.matMul(q!, k!, false, true), 1 / Math.sqrt(C / H)), mask));
    return tf.reshape(tf.transpose(tf.matMul(weights, v!), [0, 2, 1, 3]), [B * T, C]);
  };
  const forward = (ids: tf.Tensor): tf.Tensor => {
    let x: tf.Tensor = tf.reshape(tf.add(tf.gather(param('wte.weight'), ids), param('wpe.weight')), [B * T, C]);
    for (let i = 0; i < numLayers; i++) {
      const h = `h.${i}`;
      x = tf.add(x, linear(attention(linear(layerNorm(x, `${h}.ln_1`), `${h}.attn.c_attn`)), `${h}.attn.c_proj`));
      x = tf.add(x, linear(gelu(linear(layerNorm(x, `${h}.ln_2`), `${h}.mlp.c_fc`)), `${h}.mlp.c_proj`));
    }
    return tf.matMul(layerNorm(x, 'ln_f') as tf.Tensor2D, param('wte.weight') as tf.Tensor as tf.Tensor2D, false, true);
  };
  const { learningRate, beta1, beta2, epsilon, weightDecay } = gpt2AdamW;
  const adam = tf.train.adam(learningRate, beta1, beta2, epsilon);
  const matrices = [...variables.values()].filter(({ rank }) => rank > 1);

  const step = (index: number): Promise<{ loss: Promise<number> }> => {
    const { inputs, labels } = batches[index % batchCount]!;
    const ids = tf.tensor2d(inputs, [B, T], 'int32');
    const targets = tf.tensor1d(labels, 'int32');
    const { value, grads } = tf.variableGrads(() => tf.neg(tf.mean(tf.sum(tf.mul(tf.logSoftmax(forward(ids)), tf.oneHot(targets, V)), -1))) as tf.Scalar);
    tf.tidy(() => {
      for (const variable of matrices) variable.assign(tf.mul(variable, 1 - learningRate * weightDecay));
    });
    adam.applyGradients(Object.entries(grads).map(([name, tensor]) => ({ name, tensor })));
    tf.dispose([ids, targets, ...Object.values(grads)]);
    const loss = value.data().then(([first]) => {
      value.dispose();
      return first as number;
    });
    return Promise.resolve({ loss });
  };
  // One value of what is written last says that all before it is done.
  const finish = async (): Promise<void> => {
    const probe = tf.tidy(() => tf.sum(param('ln_f.bias')));
    await probe.data();
    probe.dispose();
  };
  return { step: runSteps({ step, finish }, backend === 'webgpu' ? countPrograms() : null) };
};
export default open;
