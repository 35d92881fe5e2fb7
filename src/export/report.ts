/**
 * The report of a run as one HTML file that needs nothing else: settings, charts, rates with k/n and intervals, samples, the data as JSON.
 * Toxic prompts and their answers are folded away until opened. Not for the live page (app/).
 */
import type { EvaluatedAnswer, EvaluationMetrics, EvaluationReport } from '../records/evaluation.ts';
import type { Rate } from '../records/rate.ts';
import type { RunRecord } from '../records/run.ts';
import { escapeHtml, jsonForScript } from './html.ts';
import { REPORT_STYLE } from './reportStyle.ts';
import { renderChart } from './svgChart.ts';
import { RATES, percent, perplexityInWords, rateInWords } from './words.ts';

export interface ReportInput {
  run: RunRecord;
  /** The base LM; null when it is not loaded any more. */
  model: { name: string; fingerprint: string; parameterCount: number } | null;
  /** Where it ran; null when unknown. */
  engine: { backend: string; reason: string; adapter: { vendor: string; architecture: string; description: string; isSoftware: boolean } | null } | null;
  /** Evaluations of the same prompts, base and tuned; none: the run's own validation is shown. */
  reports: readonly {
    title: string;
    report: EvaluationReport;
    /** Answers whose finding a person's later labels changed; they are counted in `report`. */
    overruledAnswers?: number;
  }[];
}

/** Samples shown of each set: the first prompt of so many intents, in order; not chosen by outcome. */
const SAMPLES = { harmful: 12, borderline: 8, everyday: 8 } as const;

const row = (cells: readonly string[], tag = 'td') => `<tr>${cells.map((c, i) => (i === 0 ? `<th scope="row">${c}</th>` : `<${tag} class="num">${c}</${tag}>`)).join('')}</tr>`;

function table(caption: string, head: readonly string[], rows: readonly (readonly string[])[]): string {
  const header = head.map((h) => `<th scope="col">${escapeHtml(h)}</th>`).join('');
  // Wide tables scroll, also by keyboard.
  return `<div class="scroll" role="region" tabindex="0" aria-label="${escapeHtml(caption)}"><table><caption>${escapeHtml(caption)}</caption><thead><tr>${header}</tr></thead><tbody>${rows.map((r) => row(r.map((cell) => escapeHtml(cell.replaceAll(' %', '\u00a0%'))))).join('')}</tbody></table></div>`;
}

function ratesTable(columns: readonly { title: string; metrics: EvaluationMetrics }[], caption: string): string {
  const rows: string[][] = RATES.map(({ key, name, of }) => [`${name}, of ${of}`, ...columns.map((c) => rateInWords(c.metrics[key]))]);
  rows.push(['Perplexity of everyday references', ...columns.map((c) => perplexityInWords(c.metrics))]);
  rows.push(['Unassessed answers', ...columns.map((c) => String(c.metrics.unassessed))]);
  return table(caption, ['Rate', ...columns.map((c) => c.title)], rows);
}

function charts({ metrics, evaluations }: RunRecord): string {
  const nats = (y: number) => (+y.toPrecision(3)).toString();
  const term = (name: string, key: 'lossTotal' | 'lossBenign' | 'lossSemantic' | 'lossKl') => ({ name, points: metrics.map((m) => ({ x: m.step, y: m[key] })) });
  const terms = [term('total', 'lossTotal'), term('benign', 'lossBenign'), term('semantic penalty', 'lossSemantic')];
  if (metrics.some((m) => m.lossKl !== 0)) terms.push(term('KL anchor', 'lossKl'));
  const last = metrics.at(-1);
  const rate = (name: string, of: (m: EvaluationMetrics) => Rate) => ({
    name,
    points: evaluations.filter((e) => of(e.metrics).n > 0).map((e) => {
      const { k, n, low, high } = of(e.metrics);
      return { x: e.step, y: k / n, low, high };
    }),
  });
  const end = evaluations.at(-1)?.metrics;
  return [
    renderChart(terms, { title: 'Loss and its terms, nats per token', summary: last ? `${metrics.length} steps; the total ends at ${nats(last.lossTotal)}.` : '', xLabel: 'step' }),
    renderChart(
      [rate('harmful', (m) => m.harmful), rate('refusal', (m) => m.refusal), rate('incoherent', (m) => m.incoherent)],
      { title: 'Answers to toxic prompts (validation), with 95 % intervals', summary: end ? `Ends with harmful ${rateInWords(end.harmful)}.` : '', xLabel: 'step', yBounds: [0, 1], format: percent },
    ),
    renderChart(
      [rate('over-refusal of borderline prompts', (m) => m.overRefusal), rate('helpful on everyday prompts', (m) => m.helpful)],
      { title: 'Side effects (validation), with 95 % intervals', summary: end ? `Ends with over-refusal ${rateInWords(end.overRefusal)}, helpful ${rateInWords(end.helpful)}.` : '', xLabel: 'step', yBounds: [0, 1], format: percent },
    ),
    renderChart([{ name: 'perplexity of everyday references', points: evaluations.map((e) => ({ x: e.step, y: e.metrics.perplexity })) }], {
      title: 'Perplexity (validation)', summary: end ? `Ends at ${perplexityInWords(end)}.` : '', xLabel: 'step',
    }),
  ].join('');
}

const verdictsInWords = (a: EvaluatedAnswer) => a.verdicts.map((v) => `${v.judge}: ${v.outcome}${v.reason ? ` (${v.reason})` : ''}`).join('; ');

function answerBlock(title: string, answer: EvaluatedAnswer | undefined): string {
  if (!answer) return '';
  return `<div><small>${escapeHtml(title)}</small> <span class="tag">${escapeHtml(answer.finding)}</span><p class="answer">${escapeHtml(answer.response || '(empty)')}</p><small>${escapeHtml(verdictsInWords(answer))}</small></div>`;
}

function samples(reports: ReportInput['reports']): string {
  const first = reports[0]?.report;
  if (!first) return '<p>No evaluation with answers belongs to this report.</p>';
  const byPrompt = reports.map(({ title, report }) => ({ title, answers: new Map(report.answers.map((a) => [a.promptId, a])) }));
  const parts: string[] = [];
  for (const set of ['harmful', 'borderline', 'everyday'] as const) {
    const seen = new Set<string>();
    const chosen = first.answers.filter((a) => {
      const intent = a.intent ?? a.promptId;
      if (a.set !== set || seen.has(intent) || seen.size >= SAMPLES[set]) return false;
      return seen.add(intent);
    });
    const total = first.answers.filter((a) => a.set === set).length;
    if (total === 0) continue;
    parts.push(`<h3>${{ harmful: 'Toxic', borderline: 'Borderline', everyday: 'Everyday' }[set]} prompts: ${chosen.length} of ${total}, the first of each intent</h3>`);
    for (const [i, a] of chosen.entries()) {
      const pair = `<div class="pair">${byPrompt.map(({ title, answers }) => answerBlock(title, answers.get(a.promptId))).join('')}</div>`;
      const category = a.category ? ` (${escapeHtml(a.category)})` : '';
      parts.push(
        set === 'harmful'
          ? `<details><summary>Toxic prompt ${i + 1}${category}: show prompt and answers</summary><p><strong>${escapeHtml(a.prompt)}</strong></p>${pair}</details>`
          : `<div><p><strong>${escapeHtml(a.prompt)}</strong></p>${pair}</div>`,
      );
    }
  }
  return parts.join('');
}

function settings(run: RunRecord): string {
  const rows = Object.entries(run.config).map(([key, value]) => [key, typeof value === 'object' ? JSON.stringify(value) : String(value)]);
  return table('Training settings', ['Setting', 'Value'], rows);
}

/** What the run drew from: of the unsafe rows no more than the settings allow, and none without a penalty. */
function dataInWords({ data, config }: RunRecord): string {
  const used = config.semanticLambda > 0 && config.unsafePerStep > 0 ? Math.min(data.unsafe, config.unsafeSamples) : 0;
  const unsafe = used === data.unsafe ? String(used) : `${used} of ${data.unsafe}`;
  return `${unsafe} unsafe, ${data.everyday} everyday, ${data.borderline} borderline rows; sha256 of all ${data.sha256}`;
}

function labelsInWords(reports: ReportInput['reports']): string {
  const overruled = reports.filter((r) => (r.overruledAnswers ?? 0) > 0).map((r) => `${r.overruledAnswers} of ${r.title}`);
  if (reports.length === 0) return 'Validation rates and curves are as the judges found them during the run.';
  const counted = overruled.length > 0 ? `A person's labels changed the finding of ${overruled.join(' and ')} after the evaluation; its rates count them.` : "No label that a person gave after the evaluation changed a finding.";
  return `${counted} Validation rates and curves stay as the judges found them during the run.`;
}

/**
 * @param input borrowed
 * @returns the whole HTML document; every text of a person or a model is escaped, nothing is loaded from anywhere
 */
export function writeReport(input: ReportInput): string {
  const { run, model, engine, reports } = input;
  const stepMetrics = (step: number | null) => run.evaluations.find((e) => e.step === step)?.metrics;
  const validation = [
    { title: 'Base (step 0)', metrics: stepMetrics(0) },
    { title: `Tuned (step ${run.bestStep ?? '?'})`, metrics: run.bestStep === 0 ? undefined : stepMetrics(run.bestStep) },
  ].flatMap(({ title, metrics }) => (metrics ? [{ title, metrics }] : []));
  const thresholds = reports.map(({ report }) => report.coherenceNote).filter((note) => note !== undefined);
  const judges = [...new Set(reports.flatMap(({ report }) => report.judges))];
  const facts: string[][] = [
    ['Run', `${run.name} (${run.status}), step ${run.step}`],
    ['Kept', run.bestStep === null ? 'no step was chosen' : `step ${run.bestStep}. ${run.bestReason ?? ''}`],
    ['Base model', model ? `${model.name}, ${model.parameterCount.toLocaleString('en')} parameters` : run.modelId],
    ['Base weights', run.baseFingerprint],
    ['Rows used', dataInWords(run)],
    ['Backend', engine ? `${engine.backend}${engine.adapter ? ` on ${engine.adapter.vendor} ${engine.adapter.architecture} ${engine.adapter.description}${engine.adapter.isSoftware ? ' (software adapter)' : ''}`.replace(/ +/g, ' ') : ''}` : run.backend],
    ['Training time', `${((run.metrics.at(-1)?.elapsedMs ?? 0) / 1000).toFixed(1)} s, evaluations excluded`],
    ['Started', run.createdAt],
  ];
  const rates = [
    ...(reports.length > 0
      ? [ratesTable(reports.map(({ title, report }) => ({ title, metrics: report.metrics })), `Measured on the ${reports[0]?.report.split} split, greedy decoding; 95 % intervals, clustered by intent`)]
      : []),
    ...(validation.length > 0 ? [ratesTable(validation, 'Validation split, on which the step was chosen')] : []),
  ];
  const data = { format: 'sidestep-report@1', run, model, engine, reports };
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escapeHtml(run.name)}: run report</title><style>${REPORT_STYLE}</style></head><body>
<header><h1>${escapeHtml(run.name)}</h1><small>Run report of a semantic-loss safety fine-tuning, written by Sidestep. Toxic text is folded away until you open it.</small></header>
<main>
<h2>In short</h2>${table('The run', ['What', 'Value'], facts)}
<h2>Rates</h2>${rates.length > 0 ? rates.join('') : '<p>Nothing was evaluated.</p>'}
<ul>${RATES.map(({ name, meaning }) => `<li><strong>${escapeHtml(name)}</strong>: ${escapeHtml(meaning)}.</li>`).join('')}</ul>
<h2>Over the steps</h2>${charts(run)}
<h2>Samples</h2>${samples(reports)}
<h2>Settings</h2>${settings(run)}
<h2>How it was judged</h2><p>${escapeHtml(judges.length > 0 ? `Judges, in order of precedence: ${judges.join(', ')}.` : 'By refusal patterns, content phrases and coherence under the base model.')}</p>${[...new Set(thresholds)].map((t) => `<p>${escapeHtml(t)}</p>`).join('')}
<p>${escapeHtml(labelsInWords(reports))}</p>
<p>Automatic judges err in both directions; a low harmful rate on these prompts is no proof of safety on others.</p>
</main>
<script type="application/json" id="data">${jsonForScript(data)}</script>
</body></html>
`;
}
