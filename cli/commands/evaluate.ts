/** `evaluate`: the rates of one language model on a split of the built-in prompts, or on a file of prompts. */
import { basename } from 'node:path';
import { defaultEvaluationConfig } from '../../src/config/evaluation.ts';
import { toResultMetrics } from '../../src/export/resultSchema.ts';
import type { WeightsRef } from '../../src/protocol/views.ts';
import type { EvaluationReport } from '../../src/records/evaluation.ts';
import { importPrompts } from '../../src/records/importPrompts.ts';
import type { Prompt } from '../../src/records/prompt.ts';
import { ADAPTER_OPTIONS, importAdapterOption, toAdapterOption } from '../adapterOption.ts';
import type { Command } from '../command.ts';
import { formatComparison, formatReport } from '../formatMetrics.ts';
import { firstError, writeErrors } from '../importErrors.ts';
import { MODEL_OPTION } from '../modelOption.ts';
import { toBackend, withEngine } from '../openEngine.ts';
import { toChoice, toWholeNumber, UsageError } from '../options.ts';
import { openOutputFolder, readInputFile } from '../outputs.ts';
import { DEMO_MODEL, readBuiltInSplit, readLexicon } from '../project.ts';
import { importTunedFolder } from '../tunedFolder.ts';

async function readPrompts(path: string | undefined, split: 'validation' | 'test'): Promise<Prompt[]> {
  if (path === undefined) return readBuiltInSplit(split);
  const result = importPrompts({ fileName: basename(path), bytes: await readInputFile(path) });
  if (result.prompts.length === 0) throw new UsageError(`${path}: no prompt could be taken from it. ${firstError(result)}`.trim());
  writeErrors(result);
  return result.prompts;
}

/** One line an answer, in the words of samples.jsonl. */
function toLines({ answers }: EvaluationReport): string {
  return answers
    .map(({ promptId, set, intent, category, prompt, response, finding, baseNllNats, verdicts }) => {
      const nll = baseNllNats !== undefined && Number.isFinite(baseNllNats) ? baseNllNats : null;
      return `${JSON.stringify({ prompt_id: promptId, set, intent: intent ?? null, category: category ?? null, prompt, response, finding, nll_nats: nll, verdicts })}\n`;
    })
    .join('');
}

export const evaluateCommand: Command = {
  usage: 'evaluate [--model DIR_OR_ID] [--adapter DIR | --tuned DIR] [--split validation|test | --prompts FILE] [--out DIR] …',
  about:
    'Measures LMs with greedy decoding: harmful, refusal, incoherent, over-refusal, helpful, perplexity. Coherence is judged under --model.\n' +
    'With --adapter or --tuned, which are fine-tunes of it, these are measured; with --base beside them the model itself too, and both are compared.',
  options: {
    model: { ...MODEL_OPTION, default: 'the demo LM' },
    ...ADAPTER_OPTIONS,
    tuned: { value: 'DIR', description: 'Hugging Face folder of a full fine-tune of the model' },
    base: { description: 'measure the model without its fine-tune too, and compare' },
    split: { value: 'NAME', description: 'built-in prompts: validation or test', default: 'validation' },
    prompts: { value: 'FILE', description: 'own prompts with their sets, instead of the built-in ones' },
    'max-new-tokens': { value: 'N', description: 'longest response', default: String(defaultEvaluationConfig.maxNewTokens) },
    'batch-size': { value: 'N', description: 'rows decoded together', default: String(defaultEvaluationConfig.batchSize) },
    'prompts-per-set': { value: 'N', description: 'at most so many prompts a set; 0: all', default: '0' },
    backend: { value: 'NAME', description: 'auto, webgpu or wasm', default: 'auto' },
    seed: { value: 'N', description: 'seed of the choice of prompts', default: String(defaultEvaluationConfig.seed) },
    out: { value: 'DIR', description: 'new folder for metrics.json and answers.jsonl' },
  },
  async run(values) {
    if (values.split !== undefined && values.prompts !== undefined) throw new UsageError('Give either --split or --prompts, not both.');
    const split = values.split === undefined ? 'validation' : toChoice('split', values.split, ['validation', 'test']);
    const whole = (name: string, min: number, max: number) => (values[name] === undefined ? undefined : toWholeNumber(name, values[name], min, max));
    const config = {
      ...defaultEvaluationConfig,
      promptsPerSet: whole('prompts-per-set', 0, 1e6) ?? defaultEvaluationConfig.promptsPerSet,
      maxNewTokens: whole('max-new-tokens', 1, 4096) ?? defaultEvaluationConfig.maxNewTokens,
      batchSize: whole('batch-size', 1, 256) ?? defaultEvaluationConfig.batchSize,
      seed: whole('seed', 0, 0xffffffff) ?? defaultEvaluationConfig.seed,
    };
    const adapter = toAdapterOption(values);
    if (adapter && values.tuned !== undefined) throw new UsageError('Give either --adapter or --tuned, not both.');
    const isTuned = adapter !== null || values.tuned !== undefined;
    if (values.base !== undefined && !isTuned) throw new UsageError('--base needs --adapter DIR or --tuned DIR; without them the model itself is measured.');
    const backend = toBackend(values.backend);
    const prompts = await readPrompts(values.prompts, split);
    const lexicon = await readLexicon();
    const out = values.out === undefined ? null : await openOutputFolder(values.out);
    try {
      const reports = await withEngine(backend, values.model ?? DEMO_MODEL, async (engine) => {
        const tuned = values.tuned === undefined ? await importAdapterOption(engine, adapter) : await importTunedFolder(engine, values.tuned);
        const weights: WeightsRef[] = values.base === undefined ? [tuned] : [{ kind: 'base' }, tuned];
        return engine.run('evaluate', { weights, prompts, split: values.prompts === undefined ? split : 'custom', config, lexicon, humanLabels: [] });
      });
      const report = reports.at(-1) as EvaluationReport;
      const [base] = reports.length > 1 ? reports : [];
      process.stdout.write(base ? formatComparison(base, report) : formatReport(report));
      await out?.write('metrics.json', `${JSON.stringify(base ? { base: toResultMetrics(base), tuned: toResultMetrics(report) } : toResultMetrics(report), null, 2)}\n`);
      await out?.write('answers.jsonl', toLines(report));
      if (base) await out?.write('base_answers.jsonl', toLines(base));
      await out?.commit();
    } finally {
      await out?.discard();
    }
  },
};
