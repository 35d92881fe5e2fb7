/** A small static line chart as inline SVG: series over steps, optionally with intervals. For reports; live charts are the studio's. */
import { escapeHtml } from './html.ts';

export interface ChartSeries {
  name: string;
  /** x, y, and bounds of the interval where there is one; not finite values leave a gap. */
  points: { x: number; y: number; low?: number; high?: number }[];
}

export interface ChartOptions {
  title: string;
  /** One sentence for those who cannot see it. */
  summary: string;
  xLabel: string;
  /** Fixed bounds of the y axis, e.g. [0, 1] for rates. */
  yBounds?: [number, number];
  /** How y values are written; without it, with the digits that tell the ticks apart. */
  format?: (y: number) => string;
}

const WIDTH = 640;
const HEIGHT = 260;
const MARGIN = { left: 62, right: 14, top: 12, bottom: 40 };

/** About `count` round numbers that span [min, max]. */
export function ticksBetween(min: number, max: number, count: number): number[] {
  const raw = (max - min) / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = ([1, 2, 5, 10].find((m) => m * power >= raw * (1 - 1e-9)) ?? 10) * power;
  const ticks: number[] = [];
  for (let i = Math.ceil(min / step - 1e-9); i * step <= max + 1e-9 * step; i++) ticks.push(+(i * step).toPrecision(12));
  return ticks;
}

/** Ticks of the x axis: its first value too, in place of round ones that would run into it. */
export function ticksFromStart(min: number, max: number, count: number): number[] {
  const ticks = ticksBetween(min, max, count);
  if (ticks[0] === min) return ticks;
  return [min, ...ticks.filter((x) => x - min > (max - min) / (2 * count))];
}

/** Writes ticks with as many decimals as their distance needs, all alike. */
export function formatTicks(ticks: readonly number[]): (y: number) => string {
  const distance = ticks.length > 1 ? Math.abs((ticks[1] as number) - (ticks[0] as number)) : Math.abs(ticks[0] ?? 1) || 1;
  const decimals = Math.min(12, Math.max(0, Math.ceil(-Math.log10(distance) - 1e-9)));
  return (y) => (Math.abs(y) >= 1e7 ? y.toExponential(2) : y.toFixed(decimals));
}

const n = (x: number) => (+x.toFixed(1)).toString();

/** @returns a `<figure>` with SVG and legend, or a sentence when there is nothing to draw */
export function renderChart(series: readonly ChartSeries[], options: ChartOptions): string {
  const all = series.flatMap((s) => s.points).filter((p) => Number.isFinite(p.x) && Number.isFinite(p.y));
  if (all.length === 0) return `<p>${escapeHtml(options.title)}: nothing was recorded.</p>`;
  const xs = all.map((p) => p.x);
  const ys = all.flatMap((p) => [p.y, p.low ?? p.y, p.high ?? p.y]);
  const x0 = xs.reduce((a, b) => Math.min(a, b));
  const x1 = Math.max(x0 + 1, xs.reduce((a, b) => Math.max(a, b)));
  let [y0, y1] = options.yBounds ?? [ys.reduce((a, b) => Math.min(a, b)), ys.reduce((a, b) => Math.max(a, b))];
  if (y1 - y0 < 1e-9 * Math.max(1, Math.abs(y1))) [y0, y1] = [y0 - 0.5, y1 + 0.5];
  const px = (x: number) => MARGIN.left + ((x - x0) / (x1 - x0)) * (WIDTH - MARGIN.left - MARGIN.right);
  const py = (y: number) => HEIGHT - MARGIN.bottom - ((y - y0) / (y1 - y0)) * (HEIGHT - MARGIN.top - MARGIN.bottom);
  const yTicks = ticksBetween(y0, y1, 5);
  const format = options.format ?? formatTicks(yTicks);
  const grid = [
    ...yTicks.map(
      (y) => `<line class="grid" x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${n(py(y))}" y2="${n(py(y))}"/><text x="${MARGIN.left - 8}" y="${n(py(y) + 4)}" text-anchor="end">${escapeHtml(format(y))}</text>`,
    ),
    ...ticksFromStart(x0, x1, 8).map((x) => `<text x="${n(px(x))}" y="${HEIGHT - MARGIN.bottom + 18}" text-anchor="middle">${x}</text>`),
    `<text x="${(MARGIN.left + WIDTH - MARGIN.right) / 2}" y="${HEIGHT - 4}" text-anchor="middle">${escapeHtml(options.xLabel)}</text>`,
  ];
  const drawn = series.map((s, i) => {
    const segments: string[] = [];
    let gap = true;
    for (const p of s.points) {
      if (!Number.isFinite(p.y)) {
        gap = true;
        continue;
      }
      segments.push(`${gap ? 'M' : 'L'}${n(px(p.x))} ${n(py(p.y))}`);
      gap = false;
    }
    const finite = s.points.filter((p) => Number.isFinite(p.y));
    const bars = finite.filter((p) => p.low !== undefined && p.high !== undefined).map((p) => {
      const x = n(px(p.x) + (i - (series.length - 1) / 2) * 4); // side by side, so that bars of one step can be told apart
      return `<line class="s${i}" x1="${x}" x2="${x}" y1="${n(py(p.low as number))}" y2="${n(py(p.high as number))}" opacity="0.55"/>`;
    });
    const dots = finite.length <= 60 ? finite.map((p) => `<circle class="f${i}" cx="${n(px(p.x))}" cy="${n(py(p.y))}" r="3"/>`) : [];
    return `<path class="s${i}" d="${segments.join('')}" fill="none"/>${bars.join('')}${dots.join('')}`;
  });
  const legend = series.map((s, i) => `<span><i class="b${i}"></i>${escapeHtml(s.name)}</span>`).join('');
  return `<figure><figcaption>${escapeHtml(options.title)}</figcaption><svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeHtml(`${options.title}. ${options.summary}`)}">${grid.join('')}${drawn.join('')}</svg><div class="legend">${legend}</div></figure>`;
}
