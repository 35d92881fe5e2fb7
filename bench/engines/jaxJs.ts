/**
 * Workload S on jax-js, webgpu or wasm: one jitted step (loss, gradients, AdamW), written with its own nn functions where it has them.
 * On wasm it gets threads through Node's workers, as many as there are cores, as in a cross-origin isolated page.
 */
import './nodeWorker.ts';
import { blockUntilReady, defaultDevice, init, jit, nn, numpy as np, tree, valueAndGrad } from '@jax-js/jax';
import { batchCount, gpt2AdamW, gpt2Size, layerNormEpsilon, readGpt2Data } from '../gpt2Step.ts';
import { openNodeGpu } from '../../src/testing/nodeGpu.ts';
import { countPrograms } from './countPrograms.ts';
import type { OpenEngine } from './engine.ts';
import { runSteps } from './runSteps.ts';

type Params = Record<string, np.Array>;

const { vocabSize: V, hiddenSize: C, numLayers, numHeads: H, seqLength: T, batchSize: B } = gpt2Size;

/** Mean cross-entropy. Consumes its arguments, as jax-js functions do. */
function lossOf(params: Params, ids: np.Array, labels: np.Array, mask: np.Array): np.Array {
  const param = (name: string): np.Array => (params[`transformer.${name}`] as np.Array).ref;
  const layerNorm = (x: np.Array, name: string): np.Array => {
    const centered = x.ref.sub(np.mean(x, -1, { keepdims: true }));
    const variance = np.mean(np.square(centered.ref), -1, { keepdims: true });
    return centered.div(np.sqrt(variance.add(layerNormEpsilon))).mul(param(`${name}.weight`)).add(param(`${name}.bias`));
  };
  const linear = (x: np.Array, name: string): np.Array => np.matmul(x, param(`${name}.weight`)).add(param(`${name}.bias`));
  const attention = (qkv: np.Array): np.Array => {
    const [q, k, v] = np.split(qkv.reshape([B, T, 3 * C]), 3, -1).map((part) => np.transpose(part.reshape([B, T, H, C / H]), [0, 2, 1, 3])) as [np.Array, np.Array, np.Array];
    const weights = nn.softmax(np.matmul(q, np.transpose(k, [0, 1, 3, 2])).mul(1 / Math.sqrt(C / H)).add(mask.ref), -1);
    return np.transpose(np.matmul(weights, v), [0, 2, 1, 3]).reshape([B * T, C]);
  };
  let x = np.take(param('wte.weight'), ids, 0).add(param('wpe.weight')).reshape([B * T, C]);
  for (let i = 0; i < numLayers; i++) {
    const h = `h.${i}`;
    x = x.ref.add(linear(attention(linear(layerNorm(x, `${h}.ln_1`), `${h}.attn.c_attn`)), `${h}.attn.c_proj`));
    x = x.ref.add(linear(nn.gelu(linear(layerNorm(x, `${h}.ln_2`), `${h}.mlp.c_fc`)), `${h}.mlp.c_proj`));
  }
  mask.dispose();
  const logits = np.matmul(layerNorm(x, 'ln_f'), np.transpose(param('wte.weight')));
  const loss = np.mean(np.sum(nn.logSoftmax(logits, -1).mul(nn.oneHot(labels, V)), -1)).mul(-1);
  tree.dispose(params);
  return loss;
}

const { learningRate, beta1, beta2, epsilon, weightDecay } = gpt2AdamW;
const lossAndGradients = valueAndGrad(lossOf);
const jittedStep = jit((params: Params, first: Params, second: Params, scale1: np.Array, scale2: np.Array, ids: np.Array, labels: np.Array, mask: np.Array) => {
  const [loss, gradients] = lossAndGradients(tree.ref(params), ids, labels, mask) as [np.Array, Params];
  const [nextParams, nextFirst, nextSecond]: [Params, Params, Params] = [{}, {}, {}];
  for (const name in params) {
    const gradient = gradients[name] as np.Array;
    const m = (first[name] as np.Array).mul(beta1).add(gradient.ref.mul(1 - beta1));
    const v = (second[name] as np.Array).mul(beta2).add(np.square(gradient).mul(1 - beta2));
    const param = params[name] as np.Array;
    const decayed = param.shape.length > 1 ? param.mul(1 - learningRate * weightDecay) : param;
    const change = m.ref.mul(scale1.ref).div(np.sqrt(v.ref.mul(scale2.ref)).add(epsilon));
    nextParams[name] = decayed.sub(change.mul(learningRate));
    nextFirst[name] = m;
    nextSecond[name] = v;
  }
  scale1.dispose();
  scale2.dispose();
  return [loss, nextParams, nextFirst, nextSecond] as [np.Array, Params, Params, Params];
});

const open: OpenEngine<{ backend: 'webgpu' | 'wasm'; dataPath: string }> = async ({ backend, dataPath }) => {
  if (backend === 'webgpu' && !(await openNodeGpu())) throw new Error('This machine has no WebGPU adapter.');
  if (!(await init(backend)).includes(backend)) throw new Error(`jax-js could not open ${backend}.`);
  defaultDevice(backend);
  const { weights, batches } = readGpt2Data(dataPath);
  let [params, first, second]: [Params, Params, Params] = [{}, {}, {}];
  for (const [name, { shape, data }] of weights) {
    params[name] = np.array(data.slice()).reshape(shape);
    first[name] = np.zeros(shape);
    second[name] = np.zeros(shape);
  }
  const mask = np.array(Float32Array.from({ length: T * T }, (_, i) => (i % T > Math.floor(i / T) ? -1e9 : 0))).reshape([T, T]);
  let done = 0;
  const step = (index: number): Promise<{ loss: Promise<number> }> => {
    const { inputs, labels } = batches[index % batchCount]!;
    done++;
    // Lookups of a flat list followed by a reshape fail under jit and grad: the ids come as [B, T].
    const ids = np.array(inputs.slice(), { dtype: np.int32 }).reshape([B, T]);
    const targets = np.array(labels.slice(), { dtype: np.int32 });
    const [loss, ...state] = jittedStep(params, first, second, np.array(1 / (1 - beta1 ** done)), np.array(1 / (1 - beta2 ** done)), ids, targets, mask.ref);
    [params, first, second] = state;
    return Promise.resolve({ loss: loss.data().then(([value]) => value as number) });
  };
  const finish = (): Promise<unknown> => blockUntilReady([params, first, second]);
  return { step: runSteps({ step, finish }, backend === 'webgpu' ? countPrograms() : null) };
};
export default open;
