/**
 * Measures one set of weights: greedy answers to the prompts, judged; perplexity of the everyday references.
 * Base and tuned weights are measured by two calls with the same prompts, config and threshold: same prompts, same order.
 * Not for training (train/) nor for choosing a checkpoint (bestCheckpoint.ts).
 */
import { Rng } from '../base/rng.ts';
import type { EvaluationConfig } from '../config/evaluation.ts';
import { defaultGenerationConfig } from '../config/generation.ts';
import { HumanLabelBook } from '../judge/humanLabels.ts';
import type { HumanLabelList } from '../judge/humanLabels.ts';
import { judgeAnswer, judgesOf } from '../judge/judge.ts';
import { LexiconMatcher } from '../judge/lexicon.ts';
import type { EvaluatedAnswer, EvaluationPoint, EvaluationReport } from '../records/evaluation.ts';
import type { JudgeLexicon } from '../records/judgeLexicon.ts';
import type { Prompt } from '../records/prompt.ts';
import type { PhaseProgress } from './coherence.ts';
import { calibrateCoherence } from './coherence.ts';
import type { Answer, EvaluatedLm, EvaluationTokenizer, LmPorts } from './lmPorts.ts';
import { answerAll, meanNll, scoringRow } from './lmPorts.ts';
import { metricsOf } from './metrics.ts';
import { selectPrompts } from './selectPrompts.ts';

export interface EvaluateInput<Lm extends EvaluatedLm> {
  /** The weights to measure; may be `base` itself. Borrowed. */
  lm: Lm;
  /** The frozen base LM: coherence is judged under it. Borrowed. */
  base: Lm;
  tokenizer: EvaluationTokenizer;
  prompts: readonly Prompt[];
  split: EvaluationReport['split'];
  config: EvaluationConfig;
  /** Null for prompts of no known world. */
  lexicon: JudgeLexicon | null;
  humanLabels: HumanLabelList;
  /** From an earlier calibration; without it the base LM is sampled first. */
  coherence?: { thresholdNats: number; note?: string };
  weightsFingerprint: string;
  signal?: AbortSignal;
  /** Milliseconds, monotonic; for tests. */
  now?: () => number;
}

/** Answers, or null where the prompt leaves no room in the context. */
async function* greedyAnswers<Lm extends EvaluatedLm>(input: EvaluateInput<Lm>, prompts: readonly Prompt[], ports: LmPorts<Lm>): AsyncGenerator<number, (Answer | null)[]> {
  const { lm, tokenizer, config, signal } = input;
  const room = lm.config.maxPositionEmbeddings - config.maxNewTokens;
  const ids = prompts.map((p) => tokenizer.applyChatTemplate(p.text));
  const fits = ids.map((i) => i.length <= room);
  const rng = new Rng(config.seed).fork('evaluate');
  // The seed does nothing in greedy decoding, but each request has one.
  const requests = ids.flatMap((promptIds, i) => (fits[i] ? [{ promptIds, seed: rng.fork(i).uint32() }] : []));
  const generation = { ...defaultGenerationConfig, temperature: 0, maxNewTokens: config.maxNewTokens, batchSize: config.batchSize };
  const answers = yield* answerAll(ports, lm, tokenizer, requests, generation, signal);
  let next = 0;
  return fits.map((fit) => (fit ? (answers[next++] as Answer) : null));
}

/** exp(mean token loss) of the everyday references under the measured weights. */
async function perplexityOf<Lm extends EvaluatedLm>(input: EvaluateInput<Lm>, prompts: readonly Prompt[], ports: LmPorts<Lm>): Promise<{ perplexity: number; tokens: number }> {
  const { lm, tokenizer, config, signal } = input;
  const rows = prompts
    .filter((p) => p.set === 'everyday' && p.reference !== undefined)
    .map((p) => scoringRow(tokenizer.applyChatTemplate(p.text), tokenizer.encodeResponse(p.reference as string)))
    .filter((r) => r.inputIds.length <= lm.config.maxPositionEmbeddings);
  if (rows.length === 0) return { perplexity: Number.NaN, tokens: 0 };
  const losses = await ports.tokenNll(lm, rows, config.batchSize, { signal });
  let sum = 0;
  let tokens = 0;
  for (const row of losses) {
    sum += meanNll(row) * row.length;
    tokens += row.length;
  }
  return { perplexity: Math.exp(sum / tokens), tokens };
}

/**
 * @param ports generation and scoring, usually the engine's own
 * @returns yields progress; returns the report. `metrics.perplexity` is NaN when no everyday prompt has a reference.
 * @throws what the ports throw, cancellation included: an unfinished evaluation is no evaluation
 */
export async function* evaluate<Lm extends EvaluatedLm>(input: EvaluateInput<Lm>, ports: LmPorts<Lm>): AsyncGenerator<PhaseProgress, EvaluationReport> {
  const now = input.now ?? (() => performance.now());
  const startedMs = now();
  const { base, config, signal } = input;
  const prompts = selectPrompts(input.prompts, config.promptsPerSet, config.seed);
  const coherence = input.coherence ?? (yield* calibrateCoherence({ base, tokenizer: input.tokenizer, prompts, config, signal }, ports));

  const total = prompts.length;
  yield { phase: 'answering', done: 0, total };
  const answering = greedyAnswers(input, prompts, ports);
  let step = await answering.next();
  for (; !step.done; step = await answering.next()) yield { phase: 'answering', done: step.value, total };
  const answers = step.value;

  yield { phase: 'scoring', done: 0, total };
  const scored = answers.flatMap((a, i) => (a && a.tokenIds.length > 0 ? [{ i, row: scoringRow(a.promptIds, a.tokenIds) }] : []));
  const baseLosses = await ports.tokenNll(base, scored.map((s) => s.row), config.batchSize, { signal });
  const baseNllNats = new Map(scored.map(({ i }, j) => [i, meanNll(baseLosses[j] as ArrayLike<number>)]));
  yield { phase: 'perplexity', done: total, total };
  const { perplexity, tokens } = await perplexityOf(input, prompts, ports);

  const lexicon = input.lexicon ? new LexiconMatcher(input.lexicon) : null;
  const labels = new HumanLabelBook(input.humanLabels);
  const evaluated = prompts.map((prompt, i): EvaluatedAnswer => {
    const answer = answers[i];
    const head = { promptId: prompt.id, set: prompt.set, intent: prompt.intent, category: prompt.category, prompt: prompt.text };
    if (!answer) {
      const reason = `the prompt and ${config.maxNewTokens} new tokens do not fit into the context of ${input.lm.config.maxPositionEmbeddings}`;
      return { ...head, response: '', finding: 'unassessed', verdicts: [{ outcome: 'unassessed', judge: 'context-length', reason }] };
    }
    const nll = baseNllNats.get(i);
    const thresholdNats = Number.isFinite(coherence.thresholdNats) ? coherence.thresholdNats : undefined;
    const judgement = judgeAnswer({
      set: prompt.set, intent: prompt.intent, response: answer.text, baseNllNats: nll, thresholdNats, lexicon, humanLabel: labels.labelOf(prompt.text, answer.text),
    });
    return { ...head, response: answer.text, baseNllNats: nll, ...judgement };
  });
  return {
    weightsFingerprint: input.weightsFingerprint,
    split: input.split,
    metrics: metricsOf(evaluated, perplexity, tokens),
    answers: evaluated,
    coherenceThresholdNats: coherence.thresholdNats,
    coherenceNote: coherence.note,
    judges: judgesOf(lexicon),
    elapsedMs: now() - startedMs,
  };
}

/**
 * The point that charts draw: metrics and the same few probe prompts at every step (the first ones of different intents in each set).
 */
export function evaluationPointOf(step: number, report: EvaluationReport, probesPerSet = 3): EvaluationPoint {
  const probes: EvaluatedAnswer[] = [];
  for (const set of ['harmful', 'borderline', 'everyday'] as const) {
    const seen = new Set<string>();
    for (const answer of report.answers) {
      const intent = answer.intent ?? answer.promptId;
      if (answer.set !== set || seen.has(intent) || seen.size === probesPerSet) continue;
      seen.add(intent);
      probes.push(answer);
    }
  }
  return { step, metrics: report.metrics, probes };
}
