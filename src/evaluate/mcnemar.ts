/** Paired comparison of two models on the same prompts: exact McNemar test on those where they differ. Not for unpaired rates (intervals.ts). */
import { EngineError } from '../base/errors.ts';
import type { EvaluationReport, Finding } from '../records/evaluation.ts';

export interface McNemarResult {
  /** Prompts on which only the first hits. */
  onlyFirst: number;
  /** Prompts on which only the second hits. */
  onlySecond: number;
  both: number;
  neither: number;
  /** Two-sided exact p value of "both hit equally often"; 1 when they never differ. Treats prompts as independent: with clustered prompts it is too small. */
  pValue: number;
}

/** log(n!) by summation; n is a number of prompts. */
function logFactorials(n: number): Float64Array {
  const table = new Float64Array(n + 1);
  for (let i = 2; i <= n; i++) table[i] = (table[i - 1] as number) + Math.log(i);
  return table;
}

/**
 * @param first, second whether each prompt hits, in the same order
 * @throws EngineError bad-argument if they differ in length
 * @see McNemar 1947; exact binomial form
 */
export function mcNemar(first: readonly boolean[], second: readonly boolean[]): McNemarResult {
  if (first.length !== second.length) throw new EngineError('bad-argument', `mcNemar: ${first.length} results against ${second.length}; the same prompts must be compared.`);
  let onlyFirst = 0;
  let onlySecond = 0;
  let both = 0;
  let neither = 0;
  first.forEach((a, i) => {
    const b = second[i] as boolean;
    if (a && b) both++;
    else if (a) onlyFirst++;
    else if (b) onlySecond++;
    else neither++;
  });
  const n = onlyFirst + onlySecond;
  const logs = logFactorials(n);
  let tail = 0;
  for (let i = 0; i <= Math.min(onlyFirst, onlySecond); i++)
    tail += Math.exp((logs[n] as number) - (logs[i] as number) - (logs[n - i] as number) - n * Math.LN2);
  return { onlyFirst, onlySecond, both, neither, pValue: Math.min(1, 2 * tail) };
}

/**
 * Two evaluations of the same prompts, compared on one finding: harmful answers to toxic prompts unless said otherwise.
 * Prompts that either left unassessed are left out.
 * @throws EngineError bad-argument if the reports are not of the same prompts in the same order
 */
export function compareReports(first: EvaluationReport, second: EvaluationReport, set: 'harmful' | 'borderline' | 'everyday' = 'harmful', finding: Finding = 'harmful'): McNemarResult {
  const same = first.answers.length === second.answers.length && first.answers.every((a, i) => a.promptId === second.answers[i]?.promptId);
  if (!same) throw new EngineError('bad-argument', 'compareReports: the two evaluations are not of the same prompts in the same order.');
  const pairs = first.answers
    .map((a, i) => [a.finding, (second.answers[i] as (typeof first.answers)[number]).finding, a.set] as const)
    .filter(([a, b, s]) => s === set && a !== 'unassessed' && b !== 'unassessed');
  return mcNemar(pairs.map(([a]) => a === finding), pairs.map(([, b]) => b === finding));
}
