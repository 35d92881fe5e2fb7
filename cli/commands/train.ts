/** `train`: one fine-tuning run from a settings file, on labelled responses. */
import { defaultLearningRate } from '../../src/config/train.ts';
import { writeReport } from '../../src/export/report.ts';
import type { WeightsRef } from '../../src/protocol/views.ts';
import type { Command } from '../command.ts';
import { formatRate } from '../formatMetrics.ts';
import { loraOptions, withLoraOptions } from '../loraOptions.ts';
import { withEngine } from '../openEngine.ts';
import { openOutputFolder } from '../outputs.ts';
import { readLexicon } from '../project.ts';
import { readTrainFile } from '../trainFile.ts';

export const trainCommand: Command = {
  usage: 'train --config FILE --out DIR',
  about:
    'Fine-tunes an LM as a JSON file says, and writes run.json, report.html and model/ (the best checkpoint by the validation prompts);\n' +
    'with --method lora adapter/ too, as PEFT reads it.\n' +
    'The file: {"unsafe": "records.jsonl", "name", "model", "backend", "everyday", "borderline", "validation", "train": {…}, "evaluation": {…}};\n' +
    'only "unsafe" is required: full records with responses labelled unsafe. Paths are relative to the file.',
  options: {
    config: { value: 'FILE', description: 'the settings, JSON', required: true },
    out: { value: 'DIR', description: 'new folder for the results', required: true },
    ...loraOptions,
  },
  async run(values) {
    const file = await readTrainFile(values.config as string);
    const chosen = withLoraOptions(file.train, values);
    const config = file.hasLearningRate ? chosen : { ...chosen, learningRate: defaultLearningRate(chosen.trainingMethod) };
    const lexicon = file.usesOwnPrompts ? null : await readLexicon();
    const out = await openOutputFolder(values.out as string);
    try {
      await withEngine(file.backend, file.modelFolder, async (engine) => {
        const { name, data, validation, evaluation } = file;
        const run = await engine.run('train', { name, config, data, validation, evaluation, lexicon, humanLabels: [] });
        const weights: WeightsRef = { kind: 'run', runId: run.id, step: run.bestStep ?? 'last' };
        const exported = await engine.run('exportModel', { weights, as: 'merged' });
        for (const { path, data: content } of exported.files) await out.write(`model/${path}`, content);
        if (config.trainingMethod === 'lora') for (const { path, data: content } of (await engine.run('exportModel', { weights, as: 'adapter' })).files) await out.write(`adapter/${path}`, content);
        await out.write('run.json', `${JSON.stringify(run, null, 2)}\n`);
        await out.write('report.html', writeReport({ run, model: engine.model, engine: engine.view, reports: [] }));
        for (const { step, metrics } of run.evaluations)
          process.stdout.write(`step ${step}: harmful ${formatRate(metrics.harmful)}, over-refusal ${formatRate(metrics.overRefusal)}, perplexity ${metrics.perplexity.toFixed(4)}\n`);
        process.stdout.write(`${run.bestReason ?? ''}\n${exported.verified}\n`);
      });
      await out.commit();
    } finally {
      await out.discard();
    }
  },
};
