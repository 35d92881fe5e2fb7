/** `inspect`: what a model would download and need here, before any weights are read. */
import { type FitReport, deviceLimitsOf, estimateFit, formatBytes } from '../../src/config/fit.ts';
import { defaultTrainConfig } from '../../src/config/train.ts';
import type { ModelInspection } from '../../src/protocol/views.ts';
import type { Command } from '../command.ts';
import { MODEL_OPTION, toLoadParams } from '../modelOption.ts';
import { toBackend, withOpenEngine } from '../openEngine.ts';
import { toChoice, toWholeNumber } from '../options.ts';

const VERDICT = { fits: 'fits', tight: 'tight', wontFit: 'will not fit' } as const;

function formatFit({ verdict, reasons, bytes, method }: FitReport): string {
  const parts = Object.entries({ weights: bytes.weights, 'cost embedding': bytes.costEmbedding, gradients: bytes.gradients, optimizer: bytes.optimizer, activations: bytes.activations, 'KV cache': bytes.kvCache });
  return `${method === 'lora' ? 'LoRA' : 'full fine-tune'}: ${VERDICT[verdict]}. ${reasons.join(' ')}\n  ${parts.map(([name, size]) => `${name} ${formatBytes(size)}`).join(', ')}\n`;
}

function formatInspection({ name, config, parameterCount, totalBytes, cachedBytes, files, storage, commit, licence, gated }: ModelInspection): string {
  const here = cachedBytes === 0 ? '' : cachedBytes >= totalBytes ? ', all of it here' : `, ${formatBytes(cachedBytes)} of it here`;
  return [
    `${name}${commit === null ? '' : ` at ${commit.slice(0, 12)}`}`,
    `family ${config.modelType}, ${parameterCount.toLocaleString('en')} parameters as ${storage}, ${config.numHiddenLayers} layers, vocabulary ${config.vocabSize}, context ${config.maxPositionEmbeddings}`,
    `${files.length} files, ${formatBytes(totalBytes)}${here}`,
    `licence ${licence ?? 'not told'}${gated ? ', gated: needs a token (HF_TOKEN) of an account that accepted it' : ''}`,
    '',
  ].join('\n');
}

export const inspectCommand: Command = {
  usage: 'inspect --model DIR_OR_ID [--rows N] [--max-length N] [--backend …]',
  about: 'Says what a model would download, and whether training and generation would fit this machine: for LoRA and for a full fine-tune.\nEstimated from config.json and file sizes; nothing is downloaded but that.',
  options: {
    model: { ...MODEL_OPTION, required: true },
    rows: { value: 'N', description: 'rows of each kind a micro-batch', default: String(defaultTrainConfig.benignPerStep) },
    'max-length': { value: 'N', description: 'longest row, tokens', default: String(defaultTrainConfig.maxLength) },
    checkpointing: { value: 'NAME', description: 'gradient checkpointing: on or off', default: 'off' },
    backend: { value: 'NAME', description: 'auto, webgpu or wasm', default: 'auto' },
  },
  async run(values) {
    const rows = values.rows === undefined ? defaultTrainConfig.benignPerStep : toWholeNumber('rows', values.rows, 1, 256);
    const maxLength = values['max-length'] === undefined ? defaultTrainConfig.maxLength : toWholeNumber('max-length', values['max-length'], 8, 8192);
    const gradientCheckpointing = values.checkpointing !== undefined && toChoice('checkpointing', values.checkpointing, ['on', 'off']) === 'on';
    const backend = toBackend(values.backend);
    const params = await toLoadParams(values.model as string);
    await withOpenEngine(backend, async (engine) => {
      const inspection = await engine.run('inspectModel', params);
      process.stdout.write(formatInspection(inspection));
      const { LARGEST_TRAINED_WHOLE } = await import('../../src/worker/jobs/loadModelJob.ts');
      const { config } = inspection;
      // Small LMs are decoded to float32 when they are loaded.
      const storage = inspection.parameterCount <= LARGEST_TRAINED_WHOLE ? 'f32' : inspection.storage;
      const training = { ...defaultTrainConfig, benignPerStep: rows, unsafePerStep: rows, maxLength, gradientCheckpointing };
      for (const method of ['lora', 'full'] as const) process.stdout.write(formatFit(estimateFit({ config, storage, limits: deviceLimitsOf(engine.view), training, method })));
    });
  },
};
