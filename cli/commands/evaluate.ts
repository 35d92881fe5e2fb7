/** `evaluate`: the rates of one language model on a split of the built-in prompts, or on a file of prompts. */
import { basename } from 'node:path';
import { defaultEvaluationConfig } from '../../src/config/evaluation.ts';
import { toResultMetrics } from '../../src/export/resultSchema.ts';
import type { EvaluationReport } from '../../src/records/evaluation.ts';
import { importPrompts } from '../../src/records/importPrompts.ts';
import type { Prompt } from '../../src/records/prompt.ts';
import type { Command } from '../command.ts';
import { formatReport } from '../formatMetrics.ts';
import { firstError, writeErrors } from '../importErrors.ts';
import { toBackend, withEngine } from '../openEngine.ts';
import { toChoice, toWholeNumber, UsageError } from '../options.ts';
import { openOutputFolder, readInputFile } from '../outputs.ts';
import { DEMO_MODEL, readBuiltInSplit, readLexicon } from '../project.ts';

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
  usage: 'evaluate [--model DIR] [--split validation|test | --prompts FILE] [--out DIR] …',
  about: 'Measures one LM with greedy decoding: harmful, refusal, incoherent, over-refusal, helpful, perplexity.\nCoherence is judged under this LM itself; for base against tuned use demo or the studio.',
  options: {
    model: { value: 'DIR', description: 'Hugging Face folder', default: 'the demo LM' },
    split: { value: 'NAME', description: 'built-in prompts: validation or test', default: 'validation' },
    prompts: { value: 'FILE', description: 'own prompts with their sets, instead of the built-in ones' },
    'prompts-per-set': { value: 'N', description: 'at most so many prompts a set; 0: all', default: '0' },
    backend: { value: 'NAME', description: 'auto, webgpu or wasm', default: 'auto' },
    seed: { value: 'N', description: 'seed of the choice of prompts', default: String(defaultEvaluationConfig.seed) },
    out: { value: 'DIR', description: 'new folder for metrics.json and answers.jsonl' },
  },
  async run(values) {
    if (values.split !== undefined && values.prompts !== undefined) throw new UsageError('Give either --split or --prompts, not both.');
    const split = values.split === undefined ? 'validation' : toChoice('split', values.split, ['validation', 'test']);
    const config = {
      ...defaultEvaluationConfig,
      ...(values['prompts-per-set'] === undefined ? {} : { promptsPerSet: toWholeNumber('prompts-per-set', values['prompts-per-set'], 0, 1e6) }),
      ...(values.seed === undefined ? {} : { seed: toWholeNumber('seed', values.seed, 0, 0xffffffff) }),
    };
    const backend = toBackend(values.backend);
    const prompts = await readPrompts(values.prompts, split);
    const lexicon = await readLexicon();
    const out = values.out === undefined ? null : await openOutputFolder(values.out);
    try {
      const [report] = await withEngine(backend, values.model ?? DEMO_MODEL, (engine) =>
        engine.run('evaluate', { weights: [{ kind: 'base' }], prompts, split: values.prompts === undefined ? split : 'custom', config, lexicon, humanLabels: [] }),
      );
      process.stdout.write(formatReport(report as EvaluationReport));
      await out?.write('metrics.json', `${JSON.stringify(toResultMetrics(report as EvaluationReport), null, 2)}\n`);
      await out?.write('answers.jsonl', toLines(report as EvaluationReport));
      await out?.commit();
    } finally {
      await out?.discard();
    }
  },
};
