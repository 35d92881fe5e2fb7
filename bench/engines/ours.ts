/**
 * Workload S on our engine, webgpu or wasm, through the training code itself, and in the same process the best rate of our matrix
 * product on the products of that step, so that the share of it that the step reaches is of one machine state.
 */
import * as tf from '@tensorflow/tfjs-core';
import { parseLmConfig } from '../../src/config/lm.ts';
import { parseTrainConfig } from '../../src/config/train.ts';
import type { Batch } from '../../src/data/batches.ts';
import { clipScale } from '../../src/kernels/sumSquares/sumSquares.ts';
import { createLm } from '../../src/lm/params.ts';
import { AdamW } from '../../src/optim/adamW.ts';
import { readTensor } from '../../src/optim/readTensor.ts';
import { addGradients } from '../../src/train/gradients.ts';
import { batchCount, gpt2AdamW, gpt2Config, gpt2Size, readGpt2Data, tokensPerStep } from '../gpt2Step.ts';
import { countPrograms } from './countPrograms.ts';
import type { OpenEngine } from './engine.ts';
import { measureMatMul } from './matMulRate.ts';
import { openOurs } from './openOurs.ts';
import { runSteps } from './runSteps.ts';

const open: OpenEngine<{ backend: 'webgpu' | 'wasm'; dataPath: string }> = async ({ backend, dataPath }) => {
  const opened = await openOurs(backend);
  const { weights, batches } = readGpt2Data(dataPath);
  const config = parseTrainConfig({ semanticLambda: 0, weightDecay: gpt2AdamW.weightDecay, adamBeta1: gpt2AdamW.beta1, adamBeta2: gpt2AdamW.beta2, adamEpsilon: gpt2AdamW.epsilon });
  const lm = createLm(parseLmConfig(gpt2Config), weights);
  const optimizer = new AdamW(lm, config);
  const gradients = tf.tidy(() => tf.variable(tf.zeros([lm.layout.size]), false));
  const { batchSize: B, seqLength: T } = gpt2Size;
  const none = { positions: new Int32Array(0), labels: new Int32Array(0), rowOffsets: new Int32Array(1) };
  const positions = Int32Array.from({ length: tokensPerStep }, (_, i) => i);
  const rowOffsets = Int32Array.from({ length: B + 1 }, (_, row) => row * T);
  let done = 0;
  const step = async (index: number): Promise<number> => {
    const { inputs, labels } = batches[index % batchCount]!;
    const batch: Batch = { inputIds: inputs, B, T, benign: { positions, labels, rowOffsets }, unsafe: none, unsafeRows: [], tokens: tokensPerStep };
    // Plain supervised fine-tuning never asks for the base LM.
    const terms = addGradients(lm, undefined as never, batch, config, gradients);
    // Clipping is part of our step; the bound is out of reach, so that the update is that of the peers.
    const clip = clipScale(gradients, 1e9, 1);
    optimizer.step(gradients, clip, gpt2AdamW.learningRate, ++done);
    const loss = (await readTensor(terms))[0]!;
    tf.dispose([terms, clip]);
    await opened.assertHealthy();
    return loss;
  };
  return { step: runSteps(step, backend === 'webgpu' ? countPrograms() : null), matMul: () => measureMatMul() };
};
export default open;
