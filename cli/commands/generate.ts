/** `generate`: responses of a language model to one prompt or a file of them, as JSON Lines. */
import { basename } from 'node:path';
import { defaultGenerationConfig, type GenerationConfig, parseGenerationConfig } from '../../src/config/generation.ts';
import { importPrompts } from '../../src/records/importPrompts.ts';
import { writeProjectRecords } from '../../src/records/projectRecords.ts';
import type { Prompt } from '../../src/records/prompt.ts';
import { promptIdOf } from '../../src/records/promptId.ts';
import { ADAPTER_OPTIONS, importAdapterOption, toAdapterOption } from '../adapterOption.ts';
import type { Command } from '../command.ts';
import { firstError, writeErrors } from '../importErrors.ts';
import { MODEL_OPTION } from '../modelOption.ts';
import { toBackend, withEngine } from '../openEngine.ts';
import { toNumber, toWholeNumber, UsageError } from '../options.ts';
import { readInputFile, writeOutputFile } from '../outputs.ts';
import { DEMO_MODEL, readLexicon } from '../project.ts';

type Values = Record<string, string | undefined>;

async function readPrompts({ prompt, prompts }: Values): Promise<Prompt[]> {
  if ((prompt === undefined) === (prompts === undefined)) throw new UsageError('Give either --prompt TEXT or --prompts FILE.');
  if (prompt !== undefined) return [{ id: promptIdOf(prompt, 'harmful'), text: prompt, set: 'harmful', split: 'curate', source: 'typed' }];
  const path = prompts as string;
  const result = importPrompts({ fileName: basename(path), bytes: await readInputFile(path) });
  if (result.prompts.length === 0) throw new UsageError(`${path}: no prompt could be taken from it. ${firstError(result)}`.trim());
  writeErrors(result);
  return result.prompts;
}

function toConfig(values: Values): GenerationConfig {
  const number = (name: string, min: number, max: number) => (values[name] === undefined ? undefined : toNumber(name, values[name], min, max));
  const whole = (name: string, min: number, max: number) => (values[name] === undefined ? undefined : toWholeNumber(name, values[name], min, max));
  return parseGenerationConfig({
    ...defaultGenerationConfig,
    temperature: number('temperature', 0, 5) ?? defaultGenerationConfig.temperature,
    topP: number('top-p', 1e-6, 1) ?? defaultGenerationConfig.topP,
    topK: whole('top-k', 0, 1e9) ?? defaultGenerationConfig.topK,
    maxNewTokens: whole('max-new-tokens', 1, 4096) ?? defaultGenerationConfig.maxNewTokens,
    seed: whole('seed', 0, 0xffffffff) ?? defaultGenerationConfig.seed,
    batchSize: whole('batch-size', 1, 256) ?? defaultGenerationConfig.batchSize,
  });
}

export const generateCommand: Command = {
  usage: 'generate (--prompt TEXT | --prompts FILE) [--samples N] [--model DIR_OR_ID] [--adapter DIR] [--out FILE] …',
  about: 'Samples responses and writes them as full records (JSON Lines), which the studio imports: to a file, or to the terminal.',
  options: {
    prompt: { value: 'TEXT', description: 'one prompt' },
    prompts: { value: 'FILE', description: 'a file of prompts: txt, csv, tsv, json, jsonl or full records' },
    samples: { value: 'N', description: 'responses a prompt', default: '1' },
    model: { ...MODEL_OPTION, default: 'the demo LM' },
    ...ADAPTER_OPTIONS,
    'batch-size': { value: 'N', description: 'rows decoded together', default: String(defaultGenerationConfig.batchSize) },
    out: { value: 'FILE', description: 'full records', default: 'the terminal' },
    backend: { value: 'NAME', description: 'auto, webgpu or wasm', default: 'auto' },
    seed: { value: 'N', description: 'seed of sampling', default: String(defaultGenerationConfig.seed) },
    temperature: { value: 'T', description: '0 is greedy', default: String(defaultGenerationConfig.temperature) },
    'top-k': { value: 'N', description: '0 keeps all tokens', default: String(defaultGenerationConfig.topK) },
    'top-p': { value: 'P', description: '1 keeps all tokens', default: String(defaultGenerationConfig.topP) },
    'max-new-tokens': { value: 'N', description: 'longest response', default: String(defaultGenerationConfig.maxNewTokens) },
  },
  async run(values) {
    const config = toConfig(values);
    const samplesPerPrompt = values.samples === undefined ? 1 : toWholeNumber('samples', values.samples, 1, 1000);
    const backend = toBackend(values.backend);
    const adapter = toAdapterOption(values);
    const prompts = await readPrompts(values);
    const lexicon = await readLexicon();
    const { responses } = await withEngine(backend, values.model ?? DEMO_MODEL, async (engine) =>
      engine.run('generate', { prompts, samplesPerPrompt, config, weights: await importAdapterOption(engine, adapter), lexicon }),
    );
    const records = writeProjectRecords({ prompts, responses, curations: [] });
    if (values.out === undefined) process.stdout.write(records);
    else await writeOutputFile(values.out, records);
  },
};
