/** Outlines of point markers as SVG paths: the same ones on the canvas (Path2D) and in the legend. */
import type { Marker } from './plot.ts';

/** @param r half the size, pixels */
export function markerPath(marker: Marker, x: number, y: number, r: number): string {
  switch (marker) {
    case 'circle':
      return `M${x - r},${y}a${r},${r} 0 1,0 ${2 * r},0a${r},${r} 0 1,0 ${-2 * r},0Z`;
    case 'square': {
      const h = r * 0.9;
      return `M${x - h},${y - h}h${2 * h}v${2 * h}h${-2 * h}Z`;
    }
    case 'triangle':
      return `M${x},${y - 1.15 * r}L${x + 1.1 * r},${y + 0.85 * r}L${x - 1.1 * r},${y + 0.85 * r}Z`;
    case 'diamond':
      return `M${x},${y - 1.25 * r}L${x + 1.25 * r},${y}L${x},${y + 1.25 * r}L${x - 1.25 * r},${y}Z`;
    case 'cross': {
      const a = r * 0.4;
      const b = r * 1.15;
      return `M${x - a},${y - b}h${2 * a}v${b - a}h${b - a}v${2 * a}h${a - b}v${b - a}h${-2 * a}v${a - b}h${a - b}v${-2 * a}h${b - a}Z`;
    }
  }
}
