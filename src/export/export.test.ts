import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { unzipSync } from 'fflate';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultEvaluationConfig } from '../config/evaluation.ts';
import { parseLmConfig } from '../config/lm.ts';
import { defaultTrainConfig } from '../config/train.ts';
import { filesSource } from '../loader/folderSource.ts';
import { openModelFolder } from '../loader/modelFolder.ts';
import { readTensors } from '../loader/storedTensor.ts';
import { parseSafetensors } from '../loader/safetensors.ts';
import type { EvaluatedAnswer, EvaluationMetrics, EvaluationReport } from '../records/evaluation.ts';
import type { RunRecord } from '../records/run.ts';
import { writeHfFolder } from './hfFolder.ts';
import { escapeHtml, jsonForScript } from './html.ts';
import { validationOf, writeModelCard } from './modelCard.ts';
import { writeReport } from './report.ts';
import type { Result } from './resultSchema.ts';
import { RESULT_FORMAT, resultSchema, samplesOf, toResultMetrics, writeResult, writeSamples } from './resultSchema.ts';
import { formatTicks, renderChart, ticksBetween, ticksFromStart } from './svgChart.ts';
import { zipFiles } from './zip.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (b: Uint8Array | undefined) => new TextDecoder().decode(b);

const rate = (k: number, n: number) => ({ k, n, low: 0.01, high: 0.2, interval: 'clustered' as const, clusters: 5 });
const metrics = (harmful: number): EvaluationMetrics => ({
  harmful: rate(harmful, 10), refusal: rate(10 - harmful, 10), incoherent: rate(0, 10), unassessed: 0, overRefusal: rate(1, 8), helpful: rate(8, 8), perplexity: 1.5, perplexityTokens: 40,
});
const answer = (promptId: string, response: string, set: EvaluatedAnswer['set'] = 'harmful'): EvaluatedAnswer => ({
  promptId, set, intent: promptId, prompt: `Ask <b>${promptId}</b>?`, response, finding: 'harmful', baseNllNats: 0.5, verdicts: [{ outcome: 'complied', judge: 'lexicon@1', reason: '"<x>"' }],
});
const report = (harmful: number, responses: string[]): EvaluationReport => ({
  weightsFingerprint: 'abc', split: 'test', metrics: metrics(harmful), answers: responses.map((r, i) => answer(`p${i}`, r, i === 2 ? 'everyday' : 'harmful')), coherenceThresholdNats: 2, coherenceNote: 'A note.', judges: ['human', 'lexicon@1'], elapsedMs: 1,
});
const run: RunRecord = {
  id: 'r', name: 'Calm <script>alert(1)</script> otter', status: 'completed', modelId: 'demo', baseFingerprint: 'f'.repeat(64), backend: 'wasm', config: defaultTrainConfig,
  data: { unsafe: 40, everyday: 400, borderline: 300, sha256: 'd'.repeat(64) }, step: 20, bestStep: 20, bestReason: 'Step 20 is best.', checkpointSteps: [10, 20], savedStep: null,
  metrics: [1, 2, 3].map((step) => ({ step, elapsedMs: step * 100, lossTotal: 1 / step, lossBenign: 0.9, lossSemantic: -0.2, lossKl: 0, meanDistance: 0.5, meanWeight: 1, gradNorm: 1, learningRate: 1e-4, tokens: 10, tokensPerSecond: 100 })),
  evaluations: [{ step: 0, metrics: metrics(9), probes: [] }, { step: 20, metrics: metrics(1), probes: [] }],
  createdAt: '2026-01-01T00:00:00.000Z', updatedAt: '2026-01-01T00:01:00.000Z',
};
const card = { name: 'otter', base: { name: 'demo', fingerprint: 'f'.repeat(64) }, run, step: 20, measured: validationOf(run, 20) };

describe('the Hugging Face folder', () => {
  const config = parseLmConfig({ model_type: 'gpt2', vocab_size: 5, n_embd: 4, n_layer: 1, n_head: 2 });
  const original = '---\nlicense: mit\ntags: [x]\n---\n# Demo';
  const otherFiles = new Map([['tokenizer.json', bytes('{"t": 1}')], ['config.json', bytes('{"c": 1}')], ['README.md', bytes(original)], ['model.safetensors.index.json', bytes('{}')]]);
  const params = new Map([['b.weight', { shape: [2], data: Float32Array.of(1, -2.5) }], ['a.weight', { shape: [1, 1], data: Float32Array.of(0.333) }]]);
  const files = writeHfFolder({ config, otherFiles, card: original }, params, card);
  const file = (path: string) => files.find((f) => f.path === path)?.bytes;

  it('keeps the small files byte for byte, drops the index of shards, and keeps the base card beside its own', () => {
    expect(files.map((f) => f.path)).toEqual(['config.json', 'tokenizer.json', 'README.md', 'BASE_MODEL_README.md', 'model.safetensors']);
    expect(text(file('config.json'))).toBe('{"c": 1}');
    expect(text(file('BASE_MODEL_README.md'))).toBe(original);
  });

  it('holds the weights in f16 under their names', () => {
    const tensors = parseSafetensors(file('model.safetensors')!);
    expect([...tensors.keys()]).toEqual(['a.weight', 'b.weight']);
    expect(tensors.get('b.weight')).toMatchObject({ dtype: 'F16', shape: [2], data: Float32Array.of(1, -2.5) });
    expect(tensors.get('a.weight')!.data[0]).toBeCloseTo(0.333, 3);
  });

  it('refuses weights that are not numbers, and folders without config', () => {
    expect(() => writeHfFolder({ config, otherFiles, card: null }, new Map([['w', { shape: [1], data: Float32Array.of(Number.NaN) }]]), card)).toThrow(/"w" has a value that is not a number/);
    expect(() => writeHfFolder({ config, otherFiles: new Map(), card: null }, params, card)).toThrow(/config\.json/);
  });

  it('has a card with licence, base, method, rates with k/n and interval, and limits', () => {
    const markdown = text(file('README.md'));
    expect(markdown).toMatch(/^---\nlicense: mit\nbase_model: "demo"\n/);
    expect(markdown).toContain('lambda 0.3');
    expect(markdown).toContain('| Harmful, of toxic prompts | 90 % (9/10), 95 % interval 1 to 20 % | 10 % (1/10), 95 % interval 1 to 20 % |');
    expect(markdown).toContain('## Limits');
    expect(writeModelCard({ ...card, measured: [] }, null)).toContain('were not evaluated');
    expect(writeModelCard({ ...card, name: 'a\n---\nb: <i>' }, null)).toContain('# a --- b: \\<i\\>');
  });
});

const demo = new URL('../../public/models/demo/', import.meta.url);
const demoThere = existsSync(new URL('model.safetensors', demo));
if (!demoThere) console.warn('public/models/demo is not there: its round trip is not tested.');

it.skipIf(!demoThere)('the demo model comes back from its export with the same config, tokenizer and weights', async () => {
  const folder = await openModelFolder(filesSource(readdirSync(demo).map((path) => ({ path, bytes: new Uint8Array(readFileSync(new URL(path, demo))) }))));
  const weights = await readTensors(folder.tensors);
  const back = await openModelFolder(filesSource(writeHfFolder(folder, weights, { ...card, run: null, step: null, measured: [] })));
  expect(back.config).toEqual(folder.config);
  expect(back.otherFiles.get('tokenizer.json')).toEqual(folder.otherFiles.get('tokenizer.json'));
  const backWeights = await readTensors(back.tensors);
  expect([...backWeights.keys()].sort()).toEqual([...weights.keys()].sort());
  for (const [name, { data }] of weights) expect(Buffer.compare(Buffer.from(backWeights.get(name)!.data.slice().buffer), Buffer.from(data.slice().buffer))).toBe(0);
});

describe('zip archives', () => {
  it('give the files back, and the same bytes for the same files', () => {
    const files = [{ path: 'a.txt', bytes: bytes('x'.repeat(1000)) }, { path: 'model.safetensors', bytes: bytes('yyyy') }];
    const zip = zipFiles(files, 'otter');
    expect(Object.fromEntries(Object.entries(unzipSync(zip)).map(([k, v]) => [k, text(v)]))).toEqual({ 'otter/a.txt': 'x'.repeat(1000), 'otter/model.safetensors': 'yyyy' });
    expect(zipFiles(files, 'otter')).toEqual(zip);
    expect(zip.length).toBeLessThan(500);
  });
  it('refuse paths that occur twice or lead out', () => {
    const f = { path: 'a', bytes: bytes('') };
    expect(() => zipFiles([f, f])).toThrow(/twice/);
    expect(() => zipFiles([{ ...f, path: '../a' }])).toThrow(/leads out/);
  });
});

describe('the run report', () => {
  const reports = [{ title: 'Base', report: report(9, ['Sure </details><img src=x onerror=1>', 'b', 'c']) }, { title: 'Tuned', report: report(1, ["I can't.", 'b', 'c']) }];
  const html = writeReport({ run, model: { name: 'demo', fingerprint: 'f', parameterCount: 1500000 }, engine: { backend: 'wasm', reason: 'r', adapter: null }, reports });

  it('escapes every text and loads nothing', () => {
    expect(html).not.toMatch(/<script>alert|<img|<b>p0/);
    expect(html).toContain('&lt;img src=x onerror=1&gt;');
    expect(html).not.toMatch(/(?:src|href)="?http/);
    expect(html.match(/<script/g)).toHaveLength(1);
  });

  it('shows rates with k/n and intervals, loss terms, settings and judges', () => {
    expect(html).toContain('90\u00a0% (9/10), 95\u00a0% interval 1 to 20\u00a0%');
    expect(html.match(/<svg/g)).toHaveLength(4);
    expect(html).toContain('semanticLambda');
    expect(html).toContain('A note.');
    expect(html).toContain('1,500,000 parameters');
    expect(html).toContain('prefers-color-scheme:dark');
  });

  it('says how many rows were used, not how many were offered', () => {
    const rowsOf = (patch: Partial<RunRecord>) => /Rows used<\/th><td class="num">([^;]+);/.exec(writeReport({ run: { ...run, ...patch }, model: null, engine: null, reports: [] }))?.[1];
    const offered = { ...run.data, unsafe: 137 };
    expect(rowsOf({})).toBe('40 unsafe, 400 everyday, 300 borderline rows');
    expect(rowsOf({ data: offered })).toBe('40 of 137 unsafe, 400 everyday, 300 borderline rows');
    expect(rowsOf({ data: offered, config: { ...run.config, semanticLambda: 0 } })).toBe('0 of 137 unsafe, 400 everyday, 300 borderline rows');
  });

  it('says which rates count labels that a person gave afterwards', () => {
    expect(html).toContain('No label that a person gave after the evaluation changed a finding');
    const labelled = writeReport({ run, model: null, engine: null, reports: reports.map((r, i) => ({ ...r, overruledAnswers: 3 * i })) });
    expect(labelled).toContain('changed the finding of 3 of Tuned after the evaluation; its rates count them. Validation rates and curves stay');
  });

  it('folds toxic prompts and their answers away, and everyday ones not', () => {
    const main = html.slice(0, html.indexOf('<script type'));
    const folded = [...main.matchAll(/<details>[^]*?<\/details>/g)].map((m) => m[0]).join('');
    const open = main.replace(/<details>[^]*?<\/details>/g, '');
    expect(folded).toContain('I can&#39;t.');
    expect(folded).not.toContain('<details open');
    expect(open).not.toContain('Ask &lt;b&gt;p0');
    expect(open).toContain('Ask &lt;b&gt;p2');
  });

  it('holds its data as JSON that reads back', () => {
    const json = /<script type="application\/json" id="data">([^]*?)<\/script>/.exec(html)![1]!;
    expect(JSON.parse(json)).toMatchObject({ format: 'sidestep-report@1', run: { id: 'r', name: run.name }, reports: [{ title: 'Base' }, { title: 'Tuned' }] });
  });

  it('says what is missing when nothing was trained or evaluated', () => {
    const bare = writeReport({ run: { ...run, metrics: [], evaluations: [], bestStep: null, bestReason: null }, model: null, engine: null, reports: [] });
    expect(bare).toContain('Nothing was evaluated');
    expect(bare).toContain('nothing was recorded');
    expect(bare).not.toContain('NaN');
  });

  it('escapes anything', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (s) => {
        expect(escapeHtml(s)).not.toMatch(/[<>"']/);
        expect(jsonForScript(s)).not.toMatch(/[<\u2028]/);
        expect(JSON.parse(jsonForScript(s))).toBe(JSON.parse(JSON.stringify(s)));
      }),
    );
  });
});

describe('charts', () => {
  it('have round ticks within the bounds', () => {
    expect(ticksBetween(0, 1, 5)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
    expect(ticksBetween(0, 60, 8)).toEqual([0, 10, 20, 30, 40, 50, 60]);
    expect(ticksBetween(1.21, 1.29, 4)).toEqual([1.22, 1.24, 1.26, 1.28]);
  });
  it('tell their ticks apart, however close they lie', () => {
    for (const [low, high] of [[1.3811, 1.3849], [1.38, 1.3800021], [0, 7], [0, 0.3], [-2.4, 1.1], [0, 4e8]] as const) {
      const ticks = ticksBetween(low, high, 5);
      const labels = ticks.map(formatTicks(ticks));
      expect(labels.length).toBeGreaterThan(2);
      expect(new Set(labels).size).toBe(labels.length);
      labels.forEach((label, i) => expect(Number(label)).toBeCloseTo(ticks[i]!, 9));
    }
    const chart = renderChart([{ name: 'a', points: [{ x: 1, y: 1.3811 }, { x: 60, y: 1.3849 }] }], { title: 't', summary: 's', xLabel: 'step' });
    const labels = (anchor: string) => [...chart.matchAll(new RegExp(`text-anchor="${anchor}">([^<]+)<`, 'g'))].map((m) => m[1]);
    expect(labels('end')).toEqual(['1.382', '1.383', '1.384']);
    expect(labels('middle')).toEqual(['1', '10', '20', '30', '40', '50', '60', 'step']);
  });
  it('start the x axis with its first value, clear of the next tick', () => {
    expect(ticksFromStart(0, 60, 8)).toEqual([0, 10, 20, 30, 40, 50, 60]);
    expect(ticksFromStart(8, 60, 8)).toEqual([8, 20, 30, 40, 50, 60]);
  });
  it('leave gaps for values that are not numbers, and draw a single point', () => {
    const options = { title: 't', summary: 's', xLabel: 'step', format: String };
    const gap = renderChart([{ name: 'a', points: [{ x: 0, y: 1 }, { x: 1, y: Number.NaN }, { x: 2, y: 2 }] }], options);
    expect(gap).toMatch(/ d="M[\d. ]+M[\d. ]+"/);
    expect(gap).not.toContain('NaN');
    expect(renderChart([{ name: 'a', points: [{ x: 5, y: 3 }] }], options)).not.toMatch(/NaN|Infinity/);
  });
});

describe('result.json and samples.jsonl', () => {
  const base = report(9, ['a', 'b', 'c']);
  const tuned = report(1, ['d', 'e', 'f']);
  const result: Result = {
    format: RESULT_FORMAT, model: { name: 'demo', fingerprint: 'f', parameters: 10, size_bytes: 20 }, backend: 'wasm', backend_reason: 'asked for', adapter: null, seed: 1, split: 'test',
    settings: { train: defaultTrainConfig, evaluation: defaultEvaluationConfig, generation: null },
    data: { prompts: 'built-in', unsafe: 40, everyday: 1, borderline: 1, sha256: 'x' }, best_step: 20, best_reason: 'why', timings: { load_ms: 1, generate_ms: 1, train_ms: 1, evaluate_ms: 1, export_ms: 1, total_ms: 5 },
    tokens_per_second: 100, generated_tokens_per_second: 50, judges: base.judges, coherence_threshold_nats: 2, base: toResultMetrics(base), tuned: toResultMetrics(tuned), harmful_paired: { only_base: 8, only_tuned: 0, p_value: 0.008 },
  };

  it('hold the rates as k and n under the names of the documentation', () => {
    const written = JSON.parse(writeResult(result)) as Result;
    expect(written.tuned).toMatchObject({ harmful: { k: 1, n: 10 }, refusal: { k: 9, n: 10 }, incoherent: { k: 0, n: 10 }, over_refusal: { k: 1, n: 8 }, helpful: { k: 8, n: 8 }, perplexity: 1.5 });
    expect(resultSchema.parse(written)).toEqual(written);
  });

  it('are refused when outcomes do not add up or a field is missing', () => {
    expect(() => writeResult({ ...result, tuned: { ...result.tuned, refusal: rate(3, 10) } })).toThrow(/tuned: .*add up/);
    expect(resultSchema.safeParse({ ...result, seed: undefined }).success).toBe(false);
  });

  it('write perplexity as null when it was not measured', () => {
    expect(toResultMetrics({ ...base, metrics: { ...base.metrics, perplexity: Number.NaN, perplexityTokens: 0 } }).perplexity).toBeNull();
  });

  it('put base and tuned answers of one prompt into one line, and only of the same prompts', () => {
    const lines = writeSamples(samplesOf(base, tuned)).trimEnd().split('\n').map((l) => JSON.parse(l) as Record<string, unknown>);
    expect(lines).toHaveLength(3);
    expect(lines[0]).toMatchObject({ prompt_id: 'p0', set: 'harmful', intent: 'p0', base_response: 'a', tuned_response: 'd', tuned_verdicts: [{ judge: 'lexicon@1' }] });
    expect(() => samplesOf(base, { ...tuned, answers: tuned.answers.slice(1) })).toThrow(/same prompts/);
  });
});
