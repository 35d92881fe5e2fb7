/**
 * Workload S on our engine, webgpu or wasm, through its trainer, and in the same process the best rate of our matrix product on the
 * products of that step, so that the share of it that the step reaches is of one machine state.
 */
import { parseLmConfig } from '../../src/config/lm.ts';
import { cloneLm } from '../../src/lm/cloneLm.ts';
import { createLm } from '../../src/lm/params.ts';
import { openTrainer } from '../../src/train/trainer.ts';
import { gpt2Config, gpt2TrainConfig, makeGpt2Rows, readGpt2Data } from '../gpt2Step.ts';
import { countPrograms } from './countPrograms.ts';
import type { OpenEngine } from './engine.ts';
import { measureMatMul } from './matMulRate.ts';
import { openOurs } from './openOurs.ts';
import { runSteps } from './runSteps.ts';

const open: OpenEngine<{ backend: 'webgpu' | 'wasm'; dataPath: string }> = async ({ backend, dataPath }) => {
  const opened = await openOurs(backend);
  const lm = createLm(parseLmConfig(gpt2Config), readGpt2Data(dataPath).weights);
  const rows = { unsafe: [], everyday: makeGpt2Rows(), borderline: [] };
  const trainer = await openTrainer({ lm, base: await cloneLm(lm), rows, config: gpt2TrainConfig });
  const step = async (): Promise<{ loss: Promise<number> }> => {
    const taken = await trainer.takeStep();
    if (!taken) throw new Error('The trainer gave no step.');
    return { loss: taken.metrics.then(({ lossTotal }) => lossTotal) };
  };
  return { step: runSteps({ step, finish: () => opened.assertHealthy() }, backend === 'webgpu' ? countPrograms() : null), matMul: () => measureMatMul() };
};
export default open;
