/** Training speed over steps as a plot. Pure. */
import type { Plot } from './plot.ts';

/** Measured speed of one optimizer step. */
export interface ThroughputPoint {
  step: number;
  tokensPerSecond: number;
}

export function throughputPlot(points: readonly ThroughputPoint[], options: { plannedSteps?: number } = {}): Plot {
  const values = points.map((point) => (Number.isFinite(point.tokensPerSecond) ? point.tokensPerSecond : null));
  const measured = values.filter((value): value is number => value !== null).sort((a, b) => a - b);
  const median = measured[Math.floor((measured.length - 1) / 2)];
  const last = measured.length ? points[points.length - 1] : undefined;
  return {
    x: points.map((point) => point.step),
    xLabel: 'step',
    yLabel: 'tokens per second',
    xMax: options.plannedSteps,
    // From zero: a cut axis makes the noise of a timer look like a drop.
    yRange: [0, (measured[measured.length - 1] ?? 1) * 1.1],
    series: [{ id: 'throughput', label: 'Tokens per second', color: '--chart-throughput', values }],
    format: (value) => (value >= 1000 ? `${Number((value / 1000).toPrecision(3))}k` : String(Number(value.toPrecision(3)))),
    summary:
      last && median !== undefined
        ? `${Math.round(last.tokensPerSecond)} tokens per second at step ${last.step}; the median over ${measured.length} steps is ${Math.round(median)}.`
        : 'No training step has been logged yet.',
  };
}
