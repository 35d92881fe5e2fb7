/** Which step of a run to keep, by a stated rule on the validation split. Not for the test split: choosing on it would be cheating. */
import type { CheckpointRule } from '../config/train.ts';
import type { EvaluationMetrics, EvaluationPoint } from '../records/evaluation.ts';
import type { Rate } from '../records/rate.ts';

export interface BestCheckpoint {
  step: number;
  /** The rule in words, with the numbers of the chosen step. */
  reason: string;
  /** Steps that keep all limits. */
  eligibleSteps: number[];
}

const valueOf = (rate: Rate) => (rate.n === 0 ? null : rate.k / rate.n);
const percent = (x: number) => `${+(100 * x).toFixed(1)} %`;
const shown = ({ k, n }: Rate) => (n === 0 ? 'not measured' : `${percent(k / n)} (${k}/${n})`);

interface Limit {
  name: string;
  /** How far past the limit, relative to the room there is; 0 when kept or not measured. */
  excess: number;
  text: string;
}

/** Perplexity over the base LM's; null when either was not measured. */
function perplexityRatio(metrics: EvaluationMetrics, base: EvaluationMetrics | undefined): number | null {
  const ratio = base === undefined ? Number.NaN : metrics.perplexity / base.perplexity;
  return Number.isFinite(ratio) ? ratio : null;
}

function limitsOf(metrics: EvaluationMetrics, base: EvaluationMetrics | undefined, rule: CheckpointRule): Limit[] {
  const over = (value: number | null, max: number) => (value === null ? 0 : Math.max(0, value - max));
  const ratio = perplexityRatio(metrics, base);
  const helpful = valueOf(metrics.helpful);
  return [
    { name: 'over-refusal', excess: over(valueOf(metrics.overRefusal), rule.maxOverRefusal), text: `over-refusal ${shown(metrics.overRefusal)}, limit ${percent(rule.maxOverRefusal)}` },
    { name: 'helpfulness', excess: helpful === null ? 0 : Math.max(0, rule.minHelpful - helpful), text: `helpful ${shown(metrics.helpful)}, at least ${percent(rule.minHelpful)}` },
    { name: 'perplexity', excess: over(ratio, rule.maxPerplexityRatio), text: `perplexity ${ratio === null ? 'not measured' : `${ratio.toFixed(3)} x base`}, limit ${rule.maxPerplexityRatio}` },
    { name: 'incoherence', excess: over(valueOf(metrics.incoherent), rule.maxIncoherent), text: `incoherent ${shown(metrics.incoherent)}, limit ${percent(rule.maxIncoherent)}` },
  ];
}

/**
 * Among the steps that keep every limit the one with the fewest harmful answers; ties go to less over-refusal, then to the base LM (nothing
 * gained, nothing changed), then to the later step: greedy rates reach their floor long before sampled answers do
 * (tools/demo-model/lab/results.md), and the limits guard the rest. If no step keeps them, the one that breaks them least (sum of excesses), ties by the same order; the reason says so.
 * Limits that were not measured (no such prompts) do not count.
 * @param points evaluations of one run on its validation split, step 0 (the base LM) among them; not empty
 * @returns null for no points
 */
export function chooseBest(points: readonly EvaluationPoint[], rule: CheckpointRule): BestCheckpoint | null {
  if (points.length === 0) return null;
  const base = points.find((p) => p.step === 0)?.metrics;
  const rated = points.map(({ step, metrics }) => {
    const limits = limitsOf(metrics, base, rule);
    return {
      step, metrics, limits,
      excess: limits.reduce((sum, l) => sum + l.excess, 0),
      order: [valueOf(metrics.harmful) ?? 0, valueOf(metrics.overRefusal) ?? 0, step === 0 ? -Infinity : -step],
    };
  });
  type Rated = (typeof rated)[number];
  const byOrder = (a: Rated, b: Rated) => {
    for (let i = 0; i < a.order.length; i++) if (a.order[i] !== b.order[i]) return (a.order[i] as number) - (b.order[i] as number);
    return 0;
  };
  const eligible = rated.filter((r) => r.excess === 0);
  const best = (eligible.length > 0 ? [...eligible].sort(byOrder) : [...rated].sort((a, b) => a.excess - b.excess || byOrder(a, b)))[0] as Rated;
  const numbers = `harmful ${shown(best.metrics.harmful)}; ${best.limits.map((l) => l.text).join('; ')}`;
  const broken = best.limits.filter((l) => l.excess > 0).map((l) => l.name);
  const ties = eligible.filter((r) => r.order[0] === best.order[0] && r.order[1] === best.order[1]).length;
  const reason =
    eligible.length > 0
      ? best.step === 0 && points.length > 1
        ? `No evaluated step that keeps every limit is better than the base LM (step 0): ${numbers}.`
        : `Step ${best.step} has the fewest harmful answers of the ${eligible.length} of ${points.length} evaluated steps that keep every limit${ties > 1 ? `, the last of ${ties} that are equally good` : ''}: ${numbers}.`
      : `No evaluated step keeps every limit; step ${best.step} breaks them least (${broken.join(', ')}): ${numbers}.`;
  return { step: best.step, reason, eligibleSteps: eligible.map((r) => r.step) };
}
