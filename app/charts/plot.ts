/**
 * What a chart draws, as plain arrays: one x axis, named series, optional intervals. Pure; knows neither React nor the canvas.
 * Not for layout or colour values: a series names the CSS custom property that holds its colour.
 */

/** Shape of a drawn point; series differ in shape as well as in colour. */
export type Marker = 'circle' | 'square' | 'triangle' | 'diamond' | 'cross';

export interface PlotSeries {
  id: string;
  label: string;
  /** CSS custom property of its colour, e.g. `--chart-harmful`. */
  color: string;
  /** Aligned with `Plot.x`; null where there is no value at that x. */
  values: (number | null)[];
  /** Bounds of the interval of each value, aligned with `values`; drawn as whiskers. */
  low?: (number | null)[];
  high?: (number | null)[];
  /** Words for the value at an index, such as "4 % (6 of 150)"; the plot's `format` is used without it. */
  detail?: (string | null)[];
  /** A series with a marker is drawn as points joined by a thin line, one without as a line. */
  marker?: Marker;
  dash?: number[];
  /** 0..1, default 1. */
  opacity?: number;
  /** Line width, CSS pixels. Default 2. */
  width?: number;
  /** Id of the series whose legend entry stands for this one too (the raw values under a smoothed line). */
  under?: string;
}

/** A horizontal line at a value that means something, such as the base LM's perplexity. */
export interface PlotReference {
  value: number;
  label: string;
}

export interface Plot {
  x: number[];
  xLabel: string;
  /** Name and unit of the y axis. */
  yLabel: string;
  /** Fixed bounds of y; computed from what is drawn without it. */
  yRange?: readonly [number, number];
  /** The x axis reaches at least to here (the planned number of steps). */
  xMax?: number;
  yLog?: boolean;
  series: PlotSeries[];
  references?: PlotReference[];
  /** Words for a y value, for axis, legend and table. */
  format: (value: number) => string;
  /** The chart in one or two sentences, for people who do not see it. */
  summary: string;
}

/** True if there is nothing to draw at all. */
export function isEmptyPlot(plot: Plot): boolean {
  return !plot.series.some((series) => series.values.some((value) => value !== null));
}

/**
 * Lowest and highest y of the visible series with their intervals, padded by 6 % (log: by a factor), references included.
 * A flat line gets room around it. With `yLog`, values at or below zero do not count.
 * @returns [min, max] with min < max
 */
export function plotYRange(plot: Plot, hidden: ReadonlySet<string> = new Set()): [number, number] {
  if (plot.yRange) return [plot.yRange[0], plot.yRange[1]];
  let min = Infinity;
  let max = -Infinity;
  const take = (value: number | null | undefined): void => {
    if (value === null || value === undefined || !Number.isFinite(value) || (plot.yLog && value <= 0)) return;
    min = Math.min(min, value);
    max = Math.max(max, value);
  };
  for (const series of plot.series) {
    if (hidden.has(series.id)) continue;
    series.values.forEach(take);
    series.low?.forEach(take);
    series.high?.forEach(take);
  }
  for (const reference of plot.references ?? []) take(reference.value);
  if (min > max) return plot.yLog ? [0.1, 10] : [0, 1];
  if (plot.yLog) {
    const factor = min === max ? 2 : (max / min) ** 0.06;
    return [min / factor, max * factor];
  }
  const pad = min === max ? Math.max(Math.abs(min) * 0.1, 0.05) : (max - min) * 0.06;
  return [min - pad, max + pad];
}

/** Bounds of the x axis: from 0 to the last step, or to the planned one. Points get room on both sides. Never empty. */
export function plotXRange(plot: Plot): [number, number] {
  const last = plot.x.length ? Math.max(plot.x[plot.x.length - 1] as number, 0) : 0;
  const max = Math.max(last, plot.xMax ?? 0, 1);
  const room = plot.series.some((series) => series.marker) ? max * 0.025 : 0;
  return [0 - room, max + room];
}

/** Index of the last x at which the series has a value, or -1. */
export function lastIndex(values: readonly (number | null)[]): number {
  for (let i = values.length - 1; i >= 0; i--) if (values[i] !== null) return i;
  return -1;
}

/** A value of a series in words, with its interval or count if it has one. */
export function describeValue(plot: Plot, series: PlotSeries, index: number): string {
  const value = series.values[index];
  if (value === null || value === undefined) return '–';
  return series.detail?.[index] ?? plot.format(value);
}

function quoteCell(cell: string): string {
  return /[",\n\r]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}

/** The plotted numbers, unrounded, as CSV with a header row; intervals get columns of their own. */
export function toCsv(plot: Plot): string {
  const columns: { name: string; values: (number | null)[] }[] = [];
  for (const series of plot.series) {
    columns.push({ name: series.label, values: series.values });
    if (series.low) columns.push({ name: `${series.label}, low`, values: series.low });
    if (series.high) columns.push({ name: `${series.label}, high`, values: series.high });
  }
  const lines = [[plot.xLabel, ...columns.map((column) => column.name)].map(quoteCell).join(',')];
  plot.x.forEach((x, i) => {
    if (columns.every((column) => column.values[i] === null || column.values[i] === undefined)) return;
    lines.push([String(x), ...columns.map((column) => String(column.values[i] ?? ''))].join(','));
  });
  return lines.join('\n') + '\n';
}

/** Rows of the table view, newest last; at most `limit` rows, evenly thinned, first and last always kept. */
export function toTableRows(plot: Plot, limit = 200): { x: number; cells: string[] }[] {
  const indices: number[] = [];
  const shown = plot.series.filter((series) => !series.under);
  plot.x.forEach((_, i) => {
    if (shown.some((series) => series.values[i] !== null && series.values[i] !== undefined)) indices.push(i);
  });
  const count = indices.length;
  const kept =
    count <= limit ? indices : Array.from({ length: limit }, (_, i) => indices[Math.round((i * (count - 1)) / (limit - 1))] as number);
  return kept.map((i) => ({ x: plot.x[i] as number, cells: shown.map((series) => describeValue(plot, series, i)) }));
}
