/**
 * Workloads D and G on our engine: a fine-tuning step of the embedded demo LM, semantic and plain on the same sets of rows, and generation.
 * The unsafe rows are answers that this LM gave to the built-in harmful prompts, as in the demo.
 */
import { DEMO_MODEL, readBuiltIn, readModelFolder, toPairs } from '../../cli/project.ts';
import { parseTrainConfig, type TrainConfig } from '../../src/config/train.ts';
import { encodeTrainingData, type EncodedRow, type EncodedTrainingData } from '../../src/data/encodeTrainingData.ts';
import { generate } from '../../src/generate/generate.ts';
import { cloneLm } from '../../src/lm/cloneLm.ts';
import { createLm } from '../../src/lm/params.ts';
import { filesSource } from '../../src/loader/folderSource.ts';
import { openModelFolder } from '../../src/loader/modelFolder.ts';
import { readTensors } from '../../src/loader/storedTensor.ts';
import type { StepMetrics } from '../../src/records/run.ts';
import { createTokenizer } from '../../src/tokenizer/tokenizer.ts';
import { openTrainer, type Trainer } from '../../src/train/trainer.ts';
import type { OpenEngine } from './engine.ts';
import { openOurs } from './openOurs.ts';

export interface TrainRequest {
  mode: 'semantic' | 'sft';
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

const open: OpenEngine<{ backend: 'webgpu' | 'wasm' }> = async ({ backend }) => {
  const opened = await openOurs(backend);
  const source = await readModelFolder(DEMO_MODEL);
  if (source.kind !== 'files') throw new Error('The demo LM is read from its folder.');
  const folder = await openModelFolder(filesSource(source.files));
  const tokenizer = createTokenizer({ ...folder, eosTokenIds: folder.config.eosTokenIds });
  const lm = createLm(folder.config, await readTensors(folder.tensors));
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

  // The weights stay near those of the demo: the time does not depend on them, but a diverged LM would be another workload.
  const config = parseTrainConfig({ maxSteps: 100_000, learningRate: 1e-6, borderlineShare: 0 });
  const sampleUnsafe = async (): Promise<EncodedRow[]> => {
    const requests = prompts.slice(0, config.unsafeSamples).map((inputIds, seed) => ({ inputIds, seed }));
    const answers = requests.map((): number[] => []);
    for await (const step of generate(lm, requests, { ...sampling, maxNewTokens: 48, batchSize: 32, eosTokenIds: tokenizer.eosTokenIds }))
      for (const { index, tokenId } of step) answers[index]!.push(tokenId);
    return requests.map(({ inputIds }, i) => ({ tokenIds: Int32Array.from([...inputIds, ...answers[i]!]), promptLength: inputIds.length }));
  };
  /** Every step has 8 benign and 8 unsafe rows; plain fine-tuning learns the unsafe ones like the others, as the half that is borderline. */
  const prepareTraining = async (): Promise<Record<TrainRequest['mode'], Trainer>> => {
    const unsafe = await sampleUnsafe();
    const encode = async (set: 'everyday' | 'borderline') => toPairs(await readBuiltIn(set, 'curate'));
    const { everyday, borderline } = encodeTrainingData({ unsafe: [], everyday: await encode('everyday'), borderline: await encode('borderline') }, tokenizer, { ...config, semanticLambda: 0 });
    const benign = [...everyday, ...borderline];
    const trainer = async (rows: EncodedTrainingData, changes: Partial<TrainConfig>): Promise<Trainer> => openTrainer({ lm: await cloneLm(lm), base: lm, rows, config: { ...config, ...changes } });
    const benignPerStep = config.benignPerStep + config.unsafePerStep;
    return {
      semantic: await trainer({ unsafe, everyday: benign, borderline: [] }, {}),
      sft: await trainer({ unsafe: [], everyday: benign, borderline: unsafe }, { semanticLambda: 0, unsafePerStep: 0, benignPerStep, borderlineShare: config.unsafePerStep / benignPerStep }),
    };
  };
  let training: Awaited<ReturnType<typeof prepareTraining>> | null = null;

  const train = async ({ mode, count }: TrainRequest): Promise<TimedTokens> => {
    const trainer = (training ??= await prepareTraining())[mode];
    const started = performance.now();
    const taken: Promise<StepMetrics>[] = [];
    for (let i = 0; i < count; i++) taken.push((await trainer.takeStep())!.metrics);
    const tokens = (await Promise.all(taken)).reduce((sum, metrics) => sum + metrics.tokens, 0);
    await opened.assertHealthy();
    return { elapsedMs: performance.now() - started, tokens };
  };
  return { train, generate: generateTokens };
};
export default open;
