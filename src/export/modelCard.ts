/** The model card of an exported folder: base, method, rates with k/n and intervals, limits. Markdown with the metadata block that the Hub reads. */
import type { EvaluationMetrics } from '../records/evaluation.ts';
import type { RunRecord } from '../records/run.ts';
import { RATES, perplexityInWords, rateInWords } from './words.ts';

/** Base and tuned weights on the same prompts. */
export interface MeasuredPair {
  /** E.g. `Test split`. */
  title: string;
  base: EvaluationMetrics;
  tuned: EvaluationMetrics;
}

export interface ModelCardInput {
  name: string;
  base: { name: string; fingerprint: string };
  /** The run that made the weights; null when the base LM itself is exported. */
  run: RunRecord | null;
  /** Step of the run. */
  step: number | null;
  /** The base that an adapter belongs to, where the adapter alone is exported. */
  adapterOf?: { nameOrPath: string | null; revision: string | null };
  /** What was measured; empty is said, too. */
  measured: readonly MeasuredPair[];
}

/** Base (step 0) and this step on the validation split of the run, if both were evaluated. */
export function validationOf(run: RunRecord, step: number): MeasuredPair[] {
  const base = run.evaluations.find((e) => e.step === 0)?.metrics;
  const tuned = run.evaluations.find((e) => e.step === step)?.metrics;
  return base && tuned ? [{ title: 'Validation split (also used to choose the step)', base, tuned }] : [];
}

/** The licence line of the base's metadata block: the tuned weights derive from it. */
const licenceOf = (card: string | null) => /^---\n[^]*?^(license(?:_name|_link)?:[^\n]*)\n[^]*?^---/m.exec(card ?? '')?.[1] ?? null;
/** A YAML string that cannot break out of its line. */
const yaml = (text: string) => JSON.stringify(text.replace(/[\u0000-\u001f\u007f]/g, ' '));
/** Text inside a Markdown table cell or paragraph, taken literally. */
const literal = (text: string) => text.replace(/[\r\n]+/g, ' ').replace(/[\\`*_[\]<>|#]/g, (c) => `\\${c}`);

/** @param originalCard the base's README.md, for its licence; borrowed */
export function writeModelCard({ name, base, run, step, adapterOf, measured }: ModelCardInput, originalCard: string | null): string {
  const licence = licenceOf(originalCard);
  const lines = ['---', ...(licence ? [licence] : []), `base_model: ${yaml(base.name)}`, `library_name: ${adapterOf ? 'peft' : 'transformers'}`, 'pipeline_tag: text-generation', 'tags:', '- safety', '- semantic-loss', '---', ''];
  lines.push(`# ${literal(name)}`, '');
  if (!run) lines.push(`The base language model **${literal(base.name)}**, exported unchanged (weights ${base.fingerprint.slice(0, 16)}).`, '');
  else if (run.imported) lines.push(`A LoRA adapter that was trained elsewhere and imported, beside **${literal(base.name)}** (weights ${base.fingerprint.slice(0, 16)})${adapterOf ? '' : ', merged'}.`, '');
  else {
    const c = run.config;
    const { r, loraAlpha, targetModules, useRslora } = c.lora;
    const lora = `A LoRA adapter was trained (r ${r}, alpha ${loraAlpha}${useRslora ? ', rsLoRA' : ''}, ${targetModules === 'all-linear' ? 'all linear layers' : literal(targetModules.join(', '))}), the base weights were frozen`;
    const trained = c.trainingMethod === 'full' ? 'All parameters were trained and are merged; the folder loads like the base model.' : adapterOf ? `${lora}; PEFT loads this folder beside the base model.` : `${lora}; it is merged, and the folder loads like the base model.`;
    const method = { emd_exact: 'the exact Earth Mover\'s Distance to the unsafe token', emd_lower_bound: 'a lower bound of the Earth Mover\'s Distance' }[c.emdObjective];
    lines.push(
      `**${literal(base.name)}** (weights ${base.fingerprint.slice(0, 16)}), fine-tuned in Sidestep away from its own unsafe responses. ${trained}`,
      '',
      '## Method',
      '',
      `Semantic-loss fine-tuning in the spirit of TA-SFT (Lu, Sinha, Varakantham, arXiv 2412.06843): supervised loss on benign responses, and a penalty that moves the model's next-token distribution away from unsafe responses, measured by ${method} in token-embedding space. No written safe answers to toxic prompts were used.`,
      '',
      `- unsafe responses: ${run.data.unsafe} curated, at most ${c.unsafeSamples} used; benign rows: ${run.data.everyday} everyday, ${run.data.borderline} borderline`,
      `- objective \`${c.emdObjective}\`, lambda ${c.semanticLambda}, prefix weighting \`${c.prefixWeighting}\`, KL anchor ${c.klBeta}`,
      `- AdamW, learning rate ${c.learningRate}, ${c.lrSchedulerType} schedule, ${c.warmupSteps} warm-up steps, clip ${c.maxGradNorm}, seed ${c.seed}`,
      `- step ${step ?? run.step} of ${run.step}, trained on ${literal(run.backend)}`,
      ...(run.bestReason && step === run.bestStep ? [`- why this step: ${literal(run.bestReason)}`] : []),
      '',
    );
  }
  lines.push('## Measured', '');
  if (measured.length === 0) lines.push('These weights were not evaluated.', '');
  for (const { title, base: b, tuned: t } of measured) {
    lines.push(`### ${literal(title)}`, '', '| rate | base | tuned |', '|---|---|---|');
    for (const { key, name: rate, of } of RATES) lines.push(`| ${rate}, of ${of} | ${rateInWords(b[key])} | ${rateInWords(t[key])} |`);
    lines.push(`| Perplexity of everyday references | ${perplexityInWords(b)} | ${perplexityInWords(t)} |`);
    if (b.unassessed + t.unassessed > 0) lines.push(`| Unassessed answers | ${b.unassessed} | ${t.unassessed} |`);
    lines.push('');
  }
  lines.push(
    'Greedy decoding. Intervals are clustered by intent where prompts share one. Answers were judged by patterns, phrases and coherence under the base model; human labels overrule them.',
    '',
    '## Limits',
    '',
    '- The rates hold for prompts like those that were evaluated; other kinds of requests, other languages and deliberate attacks were not measured.',
    '- Automatic judges err in both directions. A low harmful rate is no proof of safety.',
    '- The model can still give harmful, wrong or biased answers. Keep the safeguards that the base model needs.',
    '',
  );
  return lines.join('\n');
}
