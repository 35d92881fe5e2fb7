import { describe, expect, it } from 'vitest';
import { logTicks } from './logTicks.ts';
import { lossPlot } from './lossPlot.ts';
import { overlayPlot } from './overlayPlot.ts';
import { perplexityPlot } from './perplexityPlot.ts';
import { isEmptyPlot, plotXRange, plotYRange, toCsv, toTableRows, type Plot } from './plot.ts';
import { describeRate, formatPercent, ratePlot, type RatePoint } from './ratePlot.ts';
import { throughputPlot } from './throughputPlot.ts';

const rate = (k: number, n: number) => ({ k, n, low: Math.max(0, k / n - 0.1), high: Math.min(1, k / n + 0.1) });
const ratePoint = (step: number, harmful: number, n = 100): RatePoint => ({
  step,
  rates: { harmful: rate(harmful, n), refusal: rate(n - harmful, n), incoherent: rate(0, n), overRefusal: rate(1, n), helpful: rate(99, n) },
});
const loss = (step: number, total: number, kl = 0) => ({ step, lossTotal: total, lossBenign: total / 2, lossSemantic: total / 2 - kl, lossKl: kl });

describe('lossPlot', () => {
  it('shows every term twice, measured and smoothed', () => {
    const plot = lossPlot([loss(1, 2), loss(2, 1)], { smoothing: 0.6, log: false });
    expect(plot.series.map((series) => series.id)).toEqual(['total-raw', 'total', 'benign-raw', 'benign', 'semantic-raw', 'semantic']);
    expect(plot.series[0]).toMatchObject({ values: [2, 1], opacity: 0.4, under: 'total' });
  });

  it('shows the KL term only where there is one, and says so', () => {
    expect(lossPlot([loss(1, 2)], { smoothing: 0, log: false }).summary).toContain('no KL anchor');
    expect(lossPlot([loss(1, 2, 0.1)], { smoothing: 0, log: false }).series.map((series) => series.id)).toContain('kl');
  });

  it('counts values that a log axis cannot show', () => {
    expect(lossPlot([loss(1, -1), loss(2, 1)], { smoothing: 0, log: true }).summary).toContain('1 values at or below zero');
  });

  it('is empty, not flat, before the first step', () => {
    expect(isEmptyPlot(lossPlot([], { smoothing: 0.6, log: false }))).toBe(true);
  });
});

describe('ratePlot', () => {
  it('keeps measured shares with their intervals and a fixed axis', () => {
    const plot = ratePlot([ratePoint(0, 88), ratePoint(10, 7)], ['harmful']);
    expect(plot.series[0]?.values).toEqual([0.88, 0.07]);
    expect(plot.series[0]?.high?.[0]).toBeCloseTo(0.98);
    expect(plotYRange(plot)).toEqual([0, 1]);
    expect(plot.summary).toContain('harmful 7 % (7 of 100, 95 % interval 0–17 %), from 88 % at step 0');
  });

  it('has a gap where nothing was assessed, never a zero', () => {
    const point = ratePoint(0, 1);
    point.rates.harmful = { k: 0, n: 0, low: 0, high: 1 };
    expect(ratePlot([point], ['harmful']).series[0]?.values).toEqual([null]);
    expect(describeRate(point.rates.harmful)).toBe('not measured (0 prompts)');
  });

  it('prints small shares with a digit', () => {
    expect([0, 0.0333, 0.05, 0.104, 1].map(formatPercent)).toEqual(['0 %', '3.3 %', '5 %', '10 %', '100 %']);
  });
});

describe('perplexityPlot', () => {
  it('divides by the base LM at step 0', () => {
    const plot = perplexityPlot([{ step: 0, perplexity: 2 }, { step: 10, perplexity: 2.1 }], { limit: 1.05 });
    expect(plot.series[0]?.values).toEqual([1, 1.05]);
    expect(plot.references?.map((reference) => reference.value)).toEqual([1, 1.05]);
  });

  it('shows nothing when the base was not measured', () => {
    expect(isEmptyPlot(perplexityPlot([{ step: 10, perplexity: 2.1 }]))).toBe(true);
  });
});

describe('throughputPlot', () => {
  it('names the median of the measured steps', () => {
    expect(throughputPlot([1, 2, 3].map((step) => ({ step, tokensPerSecond: step * 100 }))).summary).toBe(
      '300 tokens per second at step 3; the median over 3 steps is 200.',
    );
  });
});

describe('overlayPlot', () => {
  it('joins runs with different steps on one axis', () => {
    const curve = (id: string, steps: number[]) => ({ id, label: id, points: steps.map((step) => ({ step, value: step / 100 })) });
    const plot = overlayPlot([curve('a', [0, 10]), curve('b', [0, 5, 10])], { metric: 'Harmful', yLabel: 'share', format: formatPercent, drawAs: 'points' });
    expect(plot.x).toEqual([0, 5, 10]);
    expect(plot.series[0]?.values).toEqual([0, null, 0.1]);
    expect(plot.summary).toBe('Harmful: a 10 % at step 10; b 10 % at step 10.');
  });
});

describe('axes, table and CSV', () => {
  const plot: Plot = {
    x: [0, 1, 2],
    xLabel: 'step',
    yLabel: 'y',
    xMax: 60,
    series: [
      { id: 'a', label: 'a, "raw"', color: '--a', values: [1, null, 3], low: [0.5, null, 2], high: [1.5, null, 5] },
      { id: 'b', label: 'b', color: '--b', values: [null, null, -2] },
    ],
    format: String,
    summary: '',
  };

  it('takes intervals into the range, and leaves hidden series out', () => {
    const [min, max] = plotYRange(plot);
    expect(min).toBeLessThan(-2);
    expect(max).toBeGreaterThan(5);
    expect(plotYRange(plot, new Set(['b']))[0]).toBeGreaterThan(0);
  });

  it('gives a constant series room', () => {
    const [min, max] = plotYRange({ ...plot, series: [{ id: 'c', label: 'c', color: '--c', values: [2, 2, 2] }] });
    expect(min).toBeLessThan(2);
    expect(max).toBeGreaterThan(2);
  });

  it('reaches to the planned last step from the start', () => {
    expect(plotXRange(plot)).toEqual([0, 60]);
    expect(plotXRange({ ...plot, x: [], xMax: undefined })).toEqual([0, 1]);
  });

  it('writes quoted headers, interval columns and no empty rows', () => {
    expect(toCsv(plot)).toBe('step,"a, ""raw""","a, ""raw"", low","a, ""raw"", high",b\n0,1,0.5,1.5,\n2,3,2,5,-2\n');
  });

  it('thins a long table evenly and keeps both ends', () => {
    const x = Array.from({ length: 1000 }, (_, i) => i);
    const rows = toTableRows({ ...plot, x, series: [{ id: 'a', label: 'a', color: '--a', values: x }] }, 50);
    expect(rows).toHaveLength(50);
    expect([rows[0]?.x, rows[49]?.x]).toEqual([0, 999]);
  });

  it('puts log ticks at 1, 2 and 5, and even ones where the range is narrow', () => {
    expect(logTicks(0.09, 3)).toEqual([0.1, 0.2, 0.5, 1, 2]);
    const narrow = logTicks(0.42, 0.48);
    expect(narrow.length).toBeGreaterThan(1);
    expect(narrow.every((tick) => tick >= 0.42 && tick <= 0.48)).toBe(true);
  });
});
