/** Draws what uPlot does not: markers with interval whiskers, and reference lines. Works on uPlot's own canvas after each redraw. */
import uPlot from 'uplot';
import type { ChartTheme } from './chartTheme.ts';
import { markerPath } from './markers.ts';
import type { Plot } from './plot.ts';

/** Points of different series at one step stand side by side, so that their whiskers stay apart, CSS pixels. */
const DODGE_PX = 7;

/** @param isHidden whether the series of that id is switched off */
export function drawPoints(u: uPlot, plot: Plot, theme: ChartTheme, isHidden: (id: string) => boolean): void {
  const { ctx } = u;
  const scale = uPlot.pxRatio;
  const x = (value: number): number => u.valToPos(value, 'x', true);
  const y = (value: number): number => u.valToPos(value, 'y', true);
  ctx.save();
  ctx.beginPath();
  // A little wider than the plotting area: a point at 0 % or at step 0 is drawn whole.
  ctx.rect(u.bbox.left - 8 * scale, u.bbox.top - 8 * scale, u.bbox.width + 16 * scale, u.bbox.height + 16 * scale);
  ctx.clip();

  for (const reference of plot.references ?? []) {
    const at = Math.round(y(reference.value)) + 0.5;
    ctx.strokeStyle = theme.muted;
    ctx.lineWidth = scale;
    ctx.setLineDash([4 * scale, 4 * scale]);
    ctx.beginPath();
    ctx.moveTo(u.bbox.left, at);
    ctx.lineTo(u.bbox.left + u.bbox.width, at);
    ctx.stroke();
    ctx.setLineDash([]);
    ctx.fillStyle = theme.muted;
    ctx.font = `${11 * scale}px ${theme.font}`;
    ctx.textAlign = 'right';
    ctx.fillText(reference.label, u.bbox.left + u.bbox.width - 4 * scale, at - 5 * scale);
  }

  const pointSeries = plot.series.filter((series) => series.marker && !isHidden(series.id));
  const pixels = plot.x.map(x);
  let gap = Infinity;
  for (let i = 1; i < pixels.length; i++) gap = Math.min(gap, (pixels[i] as number) - (pixels[i - 1] as number));
  const dodge = Math.min(DODGE_PX * scale, (gap * 0.6) / Math.max(pointSeries.length, 1));

  pointSeries.forEach((series, order) => {
    const offset = (order - (pointSeries.length - 1) / 2) * dodge;
    const color = theme.color(series.color);
    ctx.strokeStyle = color;
    ctx.lineWidth = 1.5 * scale;
    series.values.forEach((value, i) => {
      if (value === null) return;
      const at = (pixels[i] as number) + offset;
      const low = series.low?.[i];
      const high = series.high?.[i];
      if (typeof low === 'number' && typeof high === 'number') {
        const cap = 3 * scale;
        ctx.beginPath();
        ctx.moveTo(at, y(low));
        ctx.lineTo(at, y(high));
        ctx.moveTo(at - cap, y(low));
        ctx.lineTo(at + cap, y(low));
        ctx.moveTo(at - cap, y(high));
        ctx.lineTo(at + cap, y(high));
        ctx.stroke();
      }
      const path = new Path2D(markerPath(series.marker ?? 'circle', at, y(value), 4 * scale));
      ctx.fillStyle = color;
      ctx.fill(path);
      ctx.save();
      ctx.strokeStyle = theme.surface;
      ctx.lineWidth = scale;
      ctx.stroke(path);
      ctx.restore();
    });
  });
  ctx.restore();
}
