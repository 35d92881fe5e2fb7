/** Several runs on one step axis as a plot. Pure. */
import type { Marker, Plot, PlotSeries } from './plot.ts';

/** One run's values of one metric, at its own steps. */
export interface Curve {
  id: string;
  label: string;
  points: { step: number; value: number | null; low?: number | null; high?: number | null; detail?: string }[];
}

export interface OverlayOptions {
  /** Name of what is compared, for the summary. */
  metric: string;
  yLabel: string;
  yRange?: readonly [number, number];
  format: (value: number) => string;
  /** Points with intervals (rates) or plain lines (losses). */
  drawAs: 'points' | 'line';
  references?: Plot['references'];
}

/** As many runs as can be told apart by colour and shape. */
export const MAX_CURVES = 6;
const MARKERS: Marker[] = ['circle', 'square', 'triangle', 'diamond', 'cross', 'circle'];
const DASHES = [undefined, [8, 4], [3, 3], [8, 3, 2, 3], [12, 3], [1, 3]];

/** @param curves at most MAX_CURVES; later ones are not drawn, and the summary says so */
export function overlayPlot(curves: readonly Curve[], options: OverlayOptions): Plot {
  const shown = curves.slice(0, MAX_CURVES);
  const x = [...new Set(shown.flatMap((curve) => curve.points.map((point) => point.step)))].sort((a, b) => a - b);
  const series = shown.map((curve, i): PlotSeries => {
    const at = new Map(curve.points.map((point) => [point.step, point]));
    return {
      id: curve.id,
      label: curve.label,
      color: `--chart-run-${i + 1}`,
      values: x.map((step) => at.get(step)?.value ?? null),
      detail: x.map((step) => at.get(step)?.detail ?? null),
      ...(options.drawAs === 'points'
        ? { marker: MARKERS[i], low: x.map((step) => at.get(step)?.low ?? null), high: x.map((step) => at.get(step)?.high ?? null) }
        : { dash: DASHES[i] }),
    };
  });
  const parts = shown.map((curve) => {
    const last = curve.points.findLast((point) => point.value !== null);
    return last ? `${curve.label} ${last.detail ?? options.format(last.value as number)} at step ${last.step}` : `${curve.label} not measured`;
  });
  return {
    x,
    xLabel: 'step',
    yLabel: options.yLabel,
    yRange: options.yRange,
    series,
    references: options.references,
    format: options.format,
    summary: `${options.metric}: ${parts.join('; ')}.${curves.length > MAX_CURVES ? ` ${curves.length - MAX_CURVES} more runs are not drawn.` : ''}`,
  };
}
