/** Legend of a chart: swatch with the series' shape, name, and its value under the crosshair (else the latest). A click switches a series off. */
import { useLayoutEffect, useRef, type ReactNode, type RefObject } from 'react';
import styles from './charts.module.css';
import { markerPath } from './markers.ts';
import { describeValue, lastIndex, type Plot, type PlotSeries } from './plot.ts';

/** Writes values straight into the page: the crosshair moves too often for React. */
export interface LegendReadout {
  /** @param index of x, or null for the latest values */
  show(plot: Plot, index: number | null): void;
}

export interface ChartLegendProps {
  plot: Plot;
  series: PlotSeries[];
  hidden: ReadonlySet<string>;
  onToggle(id: string): void;
  readout: RefObject<LegendReadout | null>;
}

export function ChartLegend({ plot, series, hidden, onToggle, readout }: ChartLegendProps): ReactNode {
  const values = useRef(new Map<string, HTMLElement>());
  useLayoutEffect(() => {
    readout.current = {
      show(current, index) {
        for (const entry of current.series) {
          const element = values.current.get(entry.id);
          if (!element) continue;
          // At a step without an evaluation the nearest earlier value would mislead, so a dash is shown there.
          const at = index ?? lastIndex(entry.values);
          element.textContent = at < 0 ? '–' : describeValue(current, entry, at);
        }
      },
    };
    readout.current.show(plot, null);
    return () => {
      readout.current = null;
    };
  }, [plot, readout]);

  return (
    <ul className={styles.legend}>
      {series.map((entry) => (
        <li key={entry.id}>
          <button type="button" className={styles.legendEntry} aria-pressed={!hidden.has(entry.id)} onClick={() => onToggle(entry.id)} title={`Show or hide ${entry.label}`}>
            <svg width="22" height="12" aria-hidden="true" style={{ color: `var(${entry.color})` }}>
              <line x1="0" x2="22" y1="6" y2="6" stroke="currentColor" strokeWidth={entry.marker ? 1 : 2} strokeDasharray={entry.dash?.join(' ')} />
              {entry.marker && <path d={markerPath(entry.marker, 11, 6, 4)} fill="currentColor" />}
            </svg>
            <span>{entry.label}</span>
            <span
              className={styles.legendValue}
              ref={(element) => {
                if (element) values.current.set(entry.id, element);
                else values.current.delete(entry.id);
              }}
            />
          </button>
        </li>
      ))}
    </ul>
  );
}
