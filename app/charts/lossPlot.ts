/** The training loss, split into its terms, as a plot. Pure. */
import { lastIndex, type Plot, type PlotSeries } from './plot.ts';
import { smoothEma } from './smoothing.ts';

/** One optimizer step, nats per token. The three terms add up to the total. */
export interface LossPoint {
  step: number;
  lossTotal: number;
  lossBenign: number;
  lossSemantic: number;
  lossKl: number;
}

export interface LossPlotOptions {
  /** Weight of the debiased moving average, 0..0.99. */
  smoothing: number;
  log: boolean;
  /** Steps the run plans, so that the axis does not jump. */
  plannedSteps?: number;
}

const TERMS = [
  { id: 'total', label: 'Total', color: '--chart-total', dash: undefined, of: (point: LossPoint) => point.lossTotal },
  { id: 'benign', label: 'Benign NLL', color: '--chart-benign', dash: [8, 4], of: (point: LossPoint) => point.lossBenign },
  { id: 'semantic', label: 'Semantic term', color: '--chart-semantic', dash: [3, 3], of: (point: LossPoint) => point.lossSemantic },
  { id: 'kl', label: 'KL anchor', color: '--chart-kl', dash: [8, 3, 2, 3], of: (point: LossPoint) => point.lossKl },
] as const;

/** Raw values at 40 % opacity under their smoothed lines. A KL term that is zero throughout is left out, and the summary says so. */
export function lossPlot(points: readonly LossPoint[], options: LossPlotOptions): Plot {
  const terms = TERMS.filter((term) => term.id !== 'kl' || points.some((point) => point.lossKl !== 0));
  const series = terms.flatMap((term): PlotSeries[] => {
    const values = points.map((point) => (Number.isFinite(term.of(point)) ? term.of(point) : null));
    const line: PlotSeries = { id: term.id, label: term.label, color: term.color, dash: term.dash ? [...term.dash] : undefined, values: smoothEma(values, options.smoothing) };
    if (options.smoothing === 0) return [line];
    return [{ id: `${term.id}-raw`, label: `${term.label}, raw`, color: term.color, values, opacity: 0.4, width: 1, under: term.id }, line];
  });
  return {
    x: points.map((point) => point.step),
    xLabel: 'step',
    yLabel: 'loss, nats per token',
    xMax: options.plannedSteps,
    yLog: options.log,
    series,
    format: formatNats,
    summary: lossSummary(points, options),
  };
}

/** Three significant digits, for losses in nats. */
export function formatNats(value: number): string {
  return value === 0 ? '0' : String(Number(value.toPrecision(3)));
}

function lossSummary(points: readonly LossPoint[], options: LossPlotOptions): string {
  const totals = points.map((point) => (Number.isFinite(point.lossTotal) ? point.lossTotal : null));
  const last = lastIndex(totals);
  if (last < 0) return 'No training step has been logged yet.';
  const first = points[0] as LossPoint;
  const now = points[last] as LossPoint;
  const broken = points.length - totals.filter((value) => value !== null).length;
  const belowLog = options.log ? points.filter((point) => point.lossTotal <= 0).length : 0;
  return [
    `Total loss ${formatNats(now.lossTotal)} at step ${now.step} (${formatNats(first.lossTotal)} at step ${first.step}): benign NLL ${formatNats(now.lossBenign)}, semantic term ${formatNats(now.lossSemantic)}, ${
      points.some((point) => point.lossKl !== 0) ? `KL anchor ${formatNats(now.lossKl)}` : 'no KL anchor'
    }.`,
    options.smoothing > 0 ? `Lines are smoothed (weight ${options.smoothing}); the faint ones are the measured values.` : '',
    broken ? `${broken} steps have no finite loss.` : '',
    belowLog ? `${belowLog} values at or below zero cannot be drawn on a log axis.` : '',
  ]
    .filter(Boolean)
    .join(' ');
}
