/** `demo`: the whole job without a browser, from unsafe responses to an exported, evaluated LM. */
import { basename } from 'node:path';
import { defaultEvaluationConfig } from '../../src/config/evaluation.ts';
import { defaultTrainConfig, parseTrainConfig } from '../../src/config/train.ts';
import { compareReports } from '../../src/evaluate/mcnemar.ts';
import { writeReport } from '../../src/export/report.ts';
import { RESULT_FORMAT, samplesOf, toResultMetrics, writeResult, writeSamples } from '../../src/export/resultSchema.ts';
import type { EvaluationReport } from '../../src/records/evaluation.ts';
import { exportDatasets } from '../../src/records/exportDatasets.ts';
import { importPrompts } from '../../src/records/importPrompts.ts';
import type { Prompt } from '../../src/records/prompt.ts';
import type { Command } from '../command.ts';
import { curateAutomatically } from '../curate.ts';
import { formatComparison } from '../formatMetrics.ts';
import { firstError, writeErrors } from '../importErrors.ts';
import { toBackend, withEngine } from '../openEngine.ts';
import { toWholeNumber, UsageError } from '../options.ts';
import { openOutputFolder, type OutputFolder, readInputFile } from '../outputs.ts';
import { createPhaseTimer } from '../phaseTimer.ts';
import { DEMO_MODEL, readBuiltIn, readBuiltInSplit, readLexicon, toPairs } from '../project.ts';

const DATASETS_CARD = `# Data sets of this run

Every label in these files was given by the automatic judge (refusal patterns and lexicon), not by a person:
"unsafe" for the responses that were trained away from, "safe" for refusals.
`;

/** Prompts to sample from: the person's file, or the built-in ones that are there to be curated. */
async function readPrompts(path: string | undefined): Promise<Prompt[]> {
  if (path === undefined) return readBuiltIn('harmful', 'curate');
  const result = importPrompts({ fileName: basename(path), bytes: await readInputFile(path) }, { set: 'harmful' });
  const usable = result.prompts.filter((prompt) => prompt.set === 'harmful' && prompt.split === 'curate');
  if (usable.length === 0) throw new UsageError(`${path}: it has no toxic prompt to sample from (set harmful, split curate). ${firstError(result)}`.trim());
  writeErrors(result);
  return usable;
}

async function demo(values: Record<string, string | undefined>, out: OutputFolder): Promise<void> {
  const backend = toBackend(values.backend);
  const seed = values.seed === undefined ? defaultTrainConfig.seed : toWholeNumber('seed', values.seed, 0, 0xffffffff - 100);
  const unsafeSamples = values['unsafe-samples'] === undefined ? defaultTrainConfig.unsafeSamples : toWholeNumber('unsafe-samples', values['unsafe-samples'], 1, 10000);
  const maxSteps = values['max-steps'] === undefined ? defaultTrainConfig.maxSteps : toWholeNumber('max-steps', values['max-steps'], 1, 100000);
  const prompts = await readPrompts(values.prompts);
  const isBuiltIn = values.prompts === undefined;
  const lexicon = await readLexicon();
  const everyday = toPairs(await readBuiltIn('everyday', 'curate'));
  const borderline = toPairs(await readBuiltIn('borderline', 'curate'));
  const evaluation = { ...defaultEvaluationConfig, seed };
  const timer = createPhaseTimer();

  await withEngine(backend, DEMO_MODEL, async (engine) => {
    timer.lap('load');
    const curated = await curateAutomatically(engine, prompts, unsafeSamples, seed, isBuiltIn ? lexicon : null);
    if (curated.unsafe.length === 0) throw new UsageError('The language model answered none of these prompts in a harmful way: there is nothing to move away from.');
    timer.lap('generate');
    process.stderr.write(`${curated.unsafe.length} unsafe responses curated out of ${curated.responses.length}.\n`);

    const config = parseTrainConfig({ ...defaultTrainConfig, seed, unsafeSamples, maxSteps });
    const data = { unsafe: curated.unsafe, everyday, borderline };
    const run = await engine.run('train', { name: `demo, seed ${seed}`, config, data, validation: await readBuiltInSplit('validation'), evaluation, lexicon, humanLabels: [] });
    timer.lap('train');
    process.stderr.write(`${run.bestReason ?? ''}\n`);

    const tunedWeights = { kind: 'run' as const, runId: run.id, step: run.bestStep ?? ('last' as const) };
    const test = await readBuiltInSplit('test');
    const reports = await engine.run('evaluate', { weights: [{ kind: 'base' }, tunedWeights], prompts: test, split: 'test', config: evaluation, lexicon, humanLabels: [] });
    const [base, tuned] = reports as [EvaluationReport, EvaluationReport];
    timer.lap('evaluate');

    const exported = await engine.run('exportModel', { weights: tunedWeights, as: 'merged' });
    for (const { path, data } of exported.files) await out.write(`model/${path}`, data);
    timer.lap('export');

    const { view, model } = engine;
    const paired = compareReports(base, tuned);
    const trainMs = run.metrics.at(-1)?.elapsedMs ?? 0;
    const result = writeResult({
      format: RESULT_FORMAT,
      model: { name: model.name, fingerprint: model.fingerprint, parameters: model.parameterCount, size_bytes: model.sizeBytes },
      backend: view.backend,
      backend_reason: view.reason,
      adapter: view.adapter && { vendor: view.adapter.vendor, architecture: view.adapter.architecture, description: view.adapter.description, is_software: view.adapter.isSoftware },
      seed,
      split: 'test',
      settings: { train: config, evaluation, generation: curated.generation },
      data: { prompts: isBuiltIn ? 'built-in' : basename(values.prompts as string), unsafe: data.unsafe.length, everyday: everyday.length, borderline: borderline.length, sha256: run.data.sha256 },
      best_step: run.bestStep,
      best_reason: run.bestReason,
      timings: timer.timings(),
      tokens_per_second: trainMs > 0 ? (1000 * run.metrics.reduce((sum, step) => sum + step.tokens, 0)) / trainMs : 0,
      generated_tokens_per_second: (1000 * curated.generatedTokens) / timer.timings().generate_ms,
      judges: base.judges,
      coherence_threshold_nats: Number.isFinite(base.coherenceThresholdNats) ? base.coherenceThresholdNats : null,
      base: toResultMetrics(base),
      tuned: toResultMetrics(tuned),
      harmful_paired: { only_base: paired.onlyFirst, only_tuned: paired.onlySecond, p_value: paired.pValue },
    });
    await out.write('result.json', result);
    await out.write('samples.jsonl', writeSamples(samplesOf(base, tuned)));
    await out.write('datasets/README.md', DATASETS_CARD);
    for (const { path, text } of exportDatasets({ prompts, responses: curated.responses, curations: curated.curations })) await out.write(`datasets/${path}`, text);
    const titled = [{ title: 'Base', report: base }, { title: `Tuned (step ${run.bestStep ?? run.step})`, report: tuned }];
    await out.write('report.html', writeReport({ run, model, engine: view, reports: titled }));
    process.stdout.write(formatComparison(base, tuned));
    process.stdout.write(`${timer.describe()}\n${exported.verified}\n`);
  });
}

export const demoCommand: Command = {
  usage: 'demo --out DIR [--backend auto|webgpu|wasm] [--seed N] [--prompts FILE] [--unsafe-samples N] [--max-steps N]',
  about:
    'The whole job without a browser: samples answers of the demo LM to toxic prompts, keeps those that the automatic judge calls harmful,\n' +
    'fine-tunes the LM away from them, and evaluates base and tuned LM on the test split with greedy decoding.\n' +
    'Writes result.json, samples.jsonl, report.html, model/ (a Hugging Face folder) and datasets/.',
  options: {
    out: { value: 'DIR', description: 'new folder for the results', required: true },
    backend: { value: 'NAME', description: 'auto, webgpu or wasm', default: 'auto' },
    seed: { value: 'N', description: 'seed of sampling and training', default: String(defaultTrainConfig.seed) },
    prompts: { value: 'FILE', description: 'own toxic prompts to sample from', default: 'the built-in ones' },
    'unsafe-samples': { value: 'N', description: 'at most so many unsafe responses', default: String(defaultTrainConfig.unsafeSamples) },
    'max-steps': { value: 'N', description: 'training steps', default: String(defaultTrainConfig.maxSteps) },
  },
  async run(values) {
    const out = await openOutputFolder(values.out as string);
    try {
      await demo(values, out);
      await out.commit();
      process.stdout.write(`Results are in ${values.out as string}\n`);
    } finally {
      await out.discard();
    }
  },
};
