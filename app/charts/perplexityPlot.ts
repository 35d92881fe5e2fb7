/** Perplexity on everyday references relative to the base LM, as a plot. Pure. */
import type { Plot } from './plot.ts';

/** Perplexity at an evaluated step. */
export interface PerplexityPoint {
  step: number;
  perplexity: number;
}

/**
 * @param points in order of steps; step 0 is the base LM unless `basePerplexity` is given
 * @param options.limit highest ratio a checkpoint may have, drawn as a line
 */
export function perplexityPlot(
  points: readonly PerplexityPoint[],
  options: { basePerplexity?: number; limit?: number; plannedSteps?: number } = {},
): Plot {
  const base = options.basePerplexity ?? points.find((point) => point.step === 0)?.perplexity;
  const known = base !== undefined && Number.isFinite(base) && base > 0;
  const ratios = points.map((point) => (known && Number.isFinite(point.perplexity) ? point.perplexity / base : null));
  const last = points[points.length - 1];
  const ratio = ratios[ratios.length - 1];
  return {
    x: points.map((point) => point.step),
    xLabel: 'step',
    yLabel: 'perplexity ÷ base',
    xMax: options.plannedSteps,
    series: [
      {
        id: 'perplexity',
        label: 'Perplexity ratio',
        color: '--chart-perplexity',
        marker: 'diamond',
        opacity: 0.8,
        values: ratios,
        detail: points.map((point, i) => (ratios[i] === null || ratios[i] === undefined ? null : `${formatRatio(ratios[i])} (${point.perplexity.toFixed(3)})`)),
      },
    ],
    references: [{ value: 1, label: 'base LM' }, ...(options.limit ? [{ value: options.limit, label: `limit ${options.limit}` }] : [])],
    format: formatRatio,
    summary:
      last && ratio !== null && ratio !== undefined && known
        ? `At step ${last.step} perplexity on everyday answers is ${last.perplexity.toFixed(3)}, ${formatRatio(ratio).slice(1)} times the base LM's ${base.toFixed(3)}.`
        : 'No perplexity has been measured yet.',
  };
}

/** "×1.02": how many times the base LM's. */
export function formatRatio(ratio: number): string {
  return `×${ratio.toFixed(Math.abs(ratio - 1) < 0.0995 ? 3 : 2)}`;
}
