/**
 * Workloads D and G on our engine: a fine-tuning step of the embedded demo LM, semantic and plain on the very same rows, and generation.
 * The unsafe rows are answers that this LM gave to the built-in harmful prompts, as in the demo.
 */
import * as tf from '@tensorflow/tfjs-core';
import { DEMO_MODEL, readBuiltIn, readModelFolder, toPairs } from '../../cli/project.ts';
import { parseTrainConfig } from '../../src/config/train.ts';
import { type Batch, createBatch } from '../../src/data/batches.ts';
import { encodeTrainingData, type EncodedRow } from '../../src/data/encodeTrainingData.ts';
import { generate } from '../../src/generate/generate.ts';
import { clipScale } from '../../src/kernels/sumSquares/sumSquares.ts';
import { cloneLm, createLm } from '../../src/lm/params.ts';
import { filesSource } from '../../src/loader/fetchFolder.ts';
import { openModelFolder } from '../../src/loader/modelFolder.ts';
import { AdamW } from '../../src/optim/adamW.ts';
import { readTensor } from '../../src/optim/readTensor.ts';
import { createTokenizer } from '../../src/tokenizer/tokenizer.ts';
import { BaseReference } from '../../src/train/baseReference.ts';
import { addGradients } from '../../src/train/gradients.ts';
import type { OpenEngine } from './engine.ts';
import { openOurs } from './openOurs.ts';

export interface TrainRequest {
  mode: 'semantic' | 'sft';
  first: number;
  count: number;
}
export interface TimedTokens {
  elapsedMs: number;
  tokens: number;
}
export interface GenerateRequest {
  batchSize: number;
  /** New tokens of each row: a row whose answer ends goes on with the next prompt's. */
  tokens: number;
}

/** A batch whose unsafe responses are trained on like the others: as many tokens, as many rows of the head. */
function asPlain(batch: Batch): Batch {
  const { benign, unsafe } = batch;
  const both = (a: Int32Array, b: Int32Array): Int32Array => Int32Array.from([...a, ...b]);
  const end = benign.rowOffsets.at(-1) ?? 0;
  const none = { positions: new Int32Array(0), labels: new Int32Array(0), rowOffsets: new Int32Array(1) };
  const rowOffsets = both(benign.rowOffsets, unsafe.rowOffsets.subarray(1).map((offset) => offset + end));
  return { ...batch, benign: { positions: both(benign.positions, unsafe.positions), labels: both(benign.labels, unsafe.labels), rowOffsets }, unsafe: none, unsafeRows: [] };
}

const open: OpenEngine<{ backend: 'webgpu' | 'wasm' }> = async ({ backend }) => {
  const opened = await openOurs(backend);
  const source = await readModelFolder(DEMO_MODEL);
  if (source.kind !== 'files') throw new Error('The demo LM is read from its folder.');
  const folder = await openModelFolder(filesSource(source.files));
  const tokenizer = createTokenizer({ ...folder, eosTokenIds: folder.config.eosTokenIds });
  const lm = createLm(folder.config, folder.weights);
  const prompts = (await readBuiltIn('harmful', 'curate')).map(({ text }) => tokenizer.applyChatTemplate(text));
  const sampling = { temperature: 1, topK: 0, topP: 1, padTokenId: tokenizer.padTokenId };

  /** Never ends a row early, so that every batch size makes as many tokens. */
  const generateTokens = async ({ batchSize, tokens }: GenerateRequest): Promise<TimedTokens> => {
    const requests = Array.from({ length: batchSize }, (_, i) => ({ inputIds: prompts[i % prompts.length]!, seed: i }));
    const started = performance.now();
    let made = 0;
    for await (const step of generate(lm, requests, { ...sampling, maxNewTokens: tokens, batchSize, eosTokenIds: [] })) made += step.length;
    return { elapsedMs: performance.now() - started, tokens: made };
  };

  const config = parseTrainConfig({});
  const prepareTraining = async () => {
    const base = cloneLm(lm);
    const trained = cloneLm(lm);
    const encode = async (set: 'everyday' | 'borderline') => toPairs(await readBuiltIn(set, 'curate'));
    const unsafe: EncodedRow[] = [];
    const answers = new Map<number, number[]>();
    const requests = prompts.slice(0, config.unsafeSamples).map((inputIds, seed) => ({ inputIds, seed }));
    for await (const step of generate(base, requests, { ...sampling, maxNewTokens: 48, batchSize: 32, eosTokenIds: tokenizer.eosTokenIds }))
      for (const { index, tokenId } of step) answers.set(index, [...(answers.get(index) ?? []), tokenId]);
    for (const [index, answer] of answers) {
      const inputIds = requests[index]!.inputIds;
      unsafe.push({ tokenIds: Int32Array.from([...inputIds, ...answer]), promptLength: inputIds.length });
    }
    const benign = encodeTrainingData({ unsafe: [], everyday: await encode('everyday'), borderline: await encode('borderline') }, tokenizer, { ...config, semanticLambda: 0 });
    const rows = { ...benign, unsafe };
    return { trained, rows, reference: await BaseReference.create(base, rows, config), optimizer: new AdamW(trained, config), gradients: tf.tidy(() => tf.variable(tf.zeros([trained.layout.size]), false)) };
  };
  let training: Awaited<ReturnType<typeof prepareTraining>> | null = null;
  let done = 0;

  const train = async ({ mode, first, count }: TrainRequest): Promise<TimedTokens> => {
    training ??= await prepareTraining();
    const { trained, rows, reference, optimizer, gradients } = training;
    const settings = mode === 'semantic' ? config : { ...config, semanticLambda: 0 };
    let tokens = 0;
    const started = performance.now();
    for (let i = first; i < first + count; i++) {
      const drawn = createBatch(rows, config, i);
      const terms = addGradients(trained, reference, mode === 'semantic' ? drawn : asPlain(drawn), settings, gradients);
      const clip = clipScale(gradients, config.maxGradNorm, 1);
      // The weights stay near those of the demo: the time does not depend on them, but a diverged LM would be another workload.
      optimizer.step(gradients, clip, 1e-6, ++done);
      const [loss] = await readTensor(terms);
      if (!Number.isFinite(loss)) throw new Error(`The ${mode} loss is ${loss}.`);
      tf.dispose([terms, clip]);
      tokens += drawn.tokens;
    }
    await opened.assertHealthy();
    return { elapsedMs: performance.now() - started, tokens };
  };
  return { train, generate: generateTokens };
};
export default open;
