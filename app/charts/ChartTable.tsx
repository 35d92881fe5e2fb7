/** The same numbers as the chart, as a table: for screen readers and for people who want to read values. */
import { useMemo, type ReactNode } from 'react';
import styles from './charts.module.css';
import { toTableRows, type Plot } from './plot.ts';

/** Longer tables are thinned evenly; the CSV has every row. */
const MAX_ROWS = 200;

export function ChartTable({ plot, title }: { plot: Plot; title: string }): ReactNode {
  const rows = useMemo(() => toTableRows(plot, MAX_ROWS), [plot]);
  const series = plot.series.filter((entry) => !entry.under);
  return (
    <div className={styles.tableScroll} role="region" aria-label={`Table: ${title}`} tabIndex={0}>
      <table className={styles.table}>
        <thead>
          <tr>
            <th scope="col">{plot.xLabel}</th>
            {series.map((entry) => (
              <th scope="col" key={entry.id}>
                {entry.label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.x}>
              <th scope="row">{row.x}</th>
              {row.cells.map((cell, i) => (
                <td key={series[i]?.id ?? i}>{cell}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {plot.x.length > MAX_ROWS && <p className={styles.summary}>At most {MAX_ROWS} rows are shown, evenly spread. The CSV has all of them.</p>}
    </div>
  );
}
