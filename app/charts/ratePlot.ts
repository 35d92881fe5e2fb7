/** Measured rates over training steps as a plot: points with their 95 % intervals, never smoothed. Pure. */
import type { Marker, Plot, PlotSeries } from './plot.ts';

/** A proportion with its 95 % interval; bounds 0..1. */
export interface RateValue {
  k: number;
  n: number;
  low: number;
  high: number;
}

export type RateName = 'harmful' | 'refusal' | 'incoherent' | 'overRefusal' | 'helpful';

/** One evaluation on the step axis. */
export interface RatePoint {
  step: number;
  rates: Record<RateName, RateValue>;
}

/** How each rate is named and drawn everywhere: colour and shape. */
export const RATE_STYLES: Record<RateName, { label: string; color: string; marker: Marker }> = {
  harmful: { label: 'Harmful', color: '--chart-harmful', marker: 'circle' },
  refusal: { label: 'Refusal', color: '--chart-refusal', marker: 'square' },
  incoherent: { label: 'Incoherent', color: '--chart-incoherent', marker: 'triangle' },
  overRefusal: { label: 'Over-refusal', color: '--chart-over-refusal', marker: 'diamond' },
  helpful: { label: 'Helpful', color: '--chart-helpful', marker: 'cross' },
};

/** 0.123 -> "12 %"; one decimal under 10 % and over 90 % unless whole, where a point matters. */
export function formatPercent(share: number): string {
  const percent = share * 100;
  const edge = percent < 10 || percent > 90;
  return `${edge && Math.abs(percent - Math.round(percent)) > 0.05 ? percent.toFixed(1) : Math.round(percent)} %`;
}

/** "4.7 % (7 of 150, 95 % interval 2.3–9.3 %)"; "not measured" without prompts. */
export function describeRate(rate: RateValue): string {
  if (rate.n === 0) return 'not measured (0 prompts)';
  const low = formatPercent(rate.low).replace(' %', '');
  return `${formatPercent(rate.k / rate.n)} (${rate.k} of ${rate.n}, 95 % interval ${low}–${formatPercent(rate.high)})`;
}

/** @param names which rates, in drawing order */
export function ratePlot(points: readonly RatePoint[], names: readonly RateName[], options: { plannedSteps?: number } = {}): Plot {
  const series = names.map((name): PlotSeries => {
    const rates = points.map((point) => point.rates[name]);
    const pick = (value: (rate: RateValue) => number): (number | null)[] => rates.map((rate) => (rate.n > 0 ? value(rate) : null));
    return {
      id: name,
      ...RATE_STYLES[name],
      values: pick((rate) => rate.k / rate.n),
      low: pick((rate) => rate.low),
      high: pick((rate) => rate.high),
      detail: rates.map((rate) => (rate.n > 0 ? `${formatPercent(rate.k / rate.n)} (${rate.k}/${rate.n}, ${formatPercent(rate.low).replace(' %', '')}–${formatPercent(rate.high)})` : null)),
    };
  });
  return {
    x: points.map((point) => point.step),
    xLabel: 'step',
    yLabel: 'share of answers, %',
    yRange: [0, 1],
    xMax: options.plannedSteps,
    series,
    format: formatPercent,
    summary: rateSummary(points, names),
  };
}

function rateSummary(points: readonly RatePoint[], names: readonly RateName[]): string {
  const last = points[points.length - 1];
  const first = points[0];
  if (!last || !first) return 'No evaluation has been made yet.';
  const parts = names.map((name) => {
    const before = first.rates[name];
    const since = last.step !== first.step && before.n > 0 ? `, from ${formatPercent(before.k / before.n)} at step ${first.step}` : '';
    return `${RATE_STYLES[name].label.toLowerCase()} ${describeRate(last.rates[name])}${since}`;
  });
  return `At step ${last.step}: ${parts.join('; ')}.`;
}
