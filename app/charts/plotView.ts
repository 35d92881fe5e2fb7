/**
 * One uPlot on the page: takes plots, draws them, follows size and theme. Imperative on purpose: data arrive here without React.
 * Not for legends, tables or words; Chart.tsx has those.
 */
import uPlot from 'uplot';
import { readChartTheme, watchTheme, type ChartTheme } from './chartTheme.ts';
import { drawPoints } from './drawPoints.ts';
import { logTicks } from './logTicks.ts';
import { plotXRange, plotYRange, type Plot } from './plot.ts';

export interface PlotViewOptions {
  /** Charts with the same key share one crosshair. */
  syncKey: string;
  /** Height of axes and plotting area, CSS pixels. */
  height: number;
  /** Called with the index under the crosshair, or null when it left. */
  onCursor(index: number | null): void;
}

/** What must be equal for the drawn chart to be kept; everything else is data. */
function structureOf(plot: Plot): string {
  return JSON.stringify([
    plot.xLabel,
    plot.yLabel,
    plot.yLog ?? false,
    plot.series.map((series) => [series.id, series.color, series.marker, series.dash, series.opacity, series.width]),
  ]);
}

function toData(plot: Plot): uPlot.AlignedData {
  const visible = (value: number | null): number | null =>
    value === null || !Number.isFinite(value) || (plot.yLog && value <= 0) ? null : value;
  return [plot.x, ...plot.series.map((series) => series.values.map(visible))] as uPlot.AlignedData;
}

export class PlotView {
  private chart: uPlot | null = null;
  private structure = '';
  private theme: ChartTheme;
  private hidden: ReadonlySet<string> = new Set();
  private lastCursor: number | null = null;
  private readonly stopWatching: () => void;
  private readonly sizes: ResizeObserver;

  constructor(
    private readonly host: HTMLElement,
    private plot: Plot,
    private readonly options: PlotViewOptions,
  ) {
    this.theme = readChartTheme(host);
    this.stopWatching = watchTheme(() => {
      this.theme = readChartTheme(host);
      this.rebuild();
    });
    this.sizes = new ResizeObserver(() => {
      if (host.clientWidth > 0) this.chart?.setSize({ width: host.clientWidth, height: this.options.height });
    });
    this.sizes.observe(host);
    this.rebuild();
  }

  /** Draws another plot. Cheap when only numbers changed. */
  update(plot: Plot, hidden: ReadonlySet<string> = this.hidden): void {
    this.plot = plot;
    this.hidden = hidden;
    if (!this.chart || structureOf(plot) !== this.structure) {
      this.rebuild();
      return;
    }
    this.chart.batch(() => {
      plot.series.forEach((series, i) => {
        const show = !this.isHidden(series.id);
        if (this.chart?.series[i + 1]?.show !== show) this.chart?.setSeries(i + 1, { show }, false);
      });
      this.chart?.setData(toData(plot), true);
    });
  }

  /** Index under the crosshair, or null. */
  get cursorIndex(): number | null {
    return this.lastCursor;
  }

  destroy(): void {
    this.stopWatching();
    this.sizes.disconnect();
    this.chart?.destroy();
    this.chart = null;
  }

  /** The drawn chart on an opaque background with a title, as PNG. Null if the canvas has no size. */
  toPng(title: string): Promise<Blob | null> {
    const source = this.chart?.ctx.canvas;
    if (!source || source.width === 0) return Promise.resolve(null);
    const scale = uPlot.pxRatio;
    const shown = this.plot.series.filter((series) => !series.under && !this.isHidden(series.id));
    const header = 52 * scale;
    const canvas = document.createElement('canvas');
    canvas.width = source.width;
    canvas.height = source.height + header;
    const ctx = canvas.getContext('2d');
    if (!ctx) return Promise.resolve(null);
    ctx.fillStyle = this.theme.surface;
    ctx.fillRect(0, 0, canvas.width, canvas.height);
    ctx.fillStyle = this.theme.ink;
    ctx.font = `600 ${14 * scale}px ${this.theme.font}`;
    ctx.fillText(title, 12 * scale, 22 * scale);
    ctx.font = `${12 * scale}px ${this.theme.font}`;
    let left = 12 * scale;
    for (const series of shown) {
      ctx.fillStyle = this.theme.color(series.color);
      ctx.fillRect(left, 36 * scale, 10 * scale, 4 * scale);
      ctx.fillStyle = this.theme.ink;
      ctx.fillText(series.label, left + 14 * scale, 42 * scale);
      left += 30 * scale + ctx.measureText(series.label).width;
    }
    ctx.drawImage(source, 0, header);
    return new Promise((resolve) => canvas.toBlob(resolve, 'image/png'));
  }

  private isHidden(id: string): boolean {
    const series = this.plot.series.find((candidate) => candidate.id === id);
    return this.hidden.has(series?.under ?? id);
  }

  private hiddenIds(): Set<string> {
    return new Set(this.plot.series.map((series) => series.id).filter((id) => this.isHidden(id)));
  }

  private rebuild(): void {
    this.chart?.destroy();
    this.structure = structureOf(this.plot);
    this.chart = new uPlot(this.chartOptions(), toData(this.plot), this.host);
  }

  private chartOptions(): uPlot.Options {
    const { plot, theme } = this;
    const axis = {
      stroke: theme.muted,
      font: `12px ${theme.font}`,
      labelFont: `12px ${theme.font}`,
      labelSize: 18,
      labelGap: 2,
      ticks: { show: false },
    };
    const series: uPlot.Series[] = plot.series.map((entry) => ({
      label: entry.label,
      show: !this.isHidden(entry.id),
      stroke: theme.color(entry.color),
      // Marker series are joined by a hairline that only guides the eye; the points with their intervals are the data.
      width: entry.width ?? (entry.marker ? 1 : 2),
      alpha: entry.opacity ?? (entry.marker ? 0.45 : 1),
      dash: entry.dash,
      spanGaps: true,
      points: { show: false },
    }));
    return {
      width: this.host.clientWidth || 320,
      height: this.options.height,
      padding: [10, 14, 0, 0],
      series: [{}, ...series],
      legend: { show: false },
      scales: {
        x: { time: false, range: () => plotXRange(this.plot) },
        y: { distr: plot.yLog ? 3 : 1, range: () => plotYRange(this.plot, this.hiddenIds()) },
      },
      axes: [
        { ...axis, scale: 'x', label: plot.xLabel, size: 26, space: 50, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000], grid: { show: false } },
        {
          ...axis,
          scale: 'y',
          label: plot.yLabel,
          size: 54,
          space: 34,
          grid: { stroke: theme.grid, width: 1 },
          values: (_, splits) => splits.map((split) => this.plot.format(split)),
          ...(plot.yLog ? { splits: (_: uPlot, __: number, min: number, max: number) => logTicks(min, max), filter: (_: uPlot, splits: number[]) => splits } : {}),
        },
      ],
      cursor: {
        drag: { x: false, y: false },
        y: false,
        points: { show: false },
        sync: { key: this.options.syncKey, setSeries: false, scales: ['x', null] },
      },
      hooks: {
        draw: [(u) => drawPoints(u, this.plot, theme, (id) => this.isHidden(id))],
        setCursor: [
          (u) => {
            const index = u.cursor.idx ?? null;
            if (index === this.lastCursor) return;
            this.lastCursor = index;
            this.options.onCursor(index);
          },
        ],
      },
    };
  }
}
