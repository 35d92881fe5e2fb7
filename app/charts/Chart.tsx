/**
 * The frame around every chart: title, legend with values under the crosshair, words, table view, CSV and PNG.
 * Drawing happens in PlotView, outside React; words follow at most twice a second. Never shows an empty plot: words say what will be here.
 */
import { useEffect, useId, useMemo, useRef, useState, type ReactNode } from 'react';
import 'uplot/dist/uPlot.min.css';
import styles from './charts.module.css';
import { ChartLegend, type LegendReadout } from './ChartLegend.tsx';
import { ChartTable } from './ChartTable.tsx';
import type { ChartSource } from './chartSource.ts';
import { isEmptyPlot, toCsv, type Plot } from './plot.ts';
import { PlotView } from './plotView.ts';
import { saveBlob } from './saveBlob.ts';
import { useSlowSource } from './useSlowSource.ts';

export interface ChartProps {
  title: string;
  source: ChartSource<Plot>;
  /** What will be drawn here and what to do for it. */
  emptyText: string;
  /** Settings of this chart, such as a smoothing slider. */
  controls?: ReactNode;
  /** Base name of saved files. */
  fileName: string;
  /** Charts with the same key share one crosshair. */
  syncKey?: string;
  /** Height of axes and plotting area, CSS pixels. */
  height?: number;
}

export function Chart({ title, source, emptyText, controls, fileName, syncKey = 'steps', height = 230 }: ChartProps): ReactNode {
  const plot = useSlowSource(source);
  const [asTable, setAsTable] = useState(false);
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<PlotView | null>(null);
  const readout = useRef<LegendReadout | null>(null);
  const titleId = useId();
  const captionId = useId();
  const empty = isEmptyPlot(plot);
  const drawn = !empty && !asTable;

  useEffect(() => {
    const element = host.current;
    if (!drawn || !element) return;
    const chart = new PlotView(element, source.read(), { syncKey, height, onCursor: (index) => readout.current?.show(source.read(), index) });
    view.current = chart;
    let frame = 0;
    const unsubscribe = source.subscribe(() => {
      if (frame) return;
      frame = requestAnimationFrame(() => {
        frame = 0;
        chart.update(source.read());
        readout.current?.show(source.read(), chart.cursorIndex);
      });
    });
    return () => {
      unsubscribe();
      cancelAnimationFrame(frame);
      chart.destroy();
      view.current = null;
    };
  }, [source, drawn, syncKey, height]);

  useEffect(() => view.current?.update(source.read(), hidden), [hidden, source, drawn]);

  const toggle = (id: string): void =>
    setHidden((before) => {
      const after = new Set(before);
      if (!after.delete(id)) after.add(id);
      return after;
    });

  const legend = useMemo(() => plot.series.filter((series) => !series.under), [plot]);

  return (
    <figure className={styles.chart} aria-labelledby={titleId}>
      <div className={styles.head}>
        <figcaption id={titleId} className={styles.title}>
          {title}
        </figcaption>
        {!empty && (
          <div className={styles.tools}>
            <button type="button" className={styles.tool} aria-pressed={asTable} onClick={() => setAsTable(!asTable)} aria-label={`Show as table: ${title}`}>
              Table
            </button>
            <button
              type="button"
              className={styles.tool}
              onClick={() => saveBlob(`${fileName}.csv`, new Blob([toCsv(source.read())], { type: 'text/csv' }))}
              aria-label={`Save CSV: ${title}`}
            >
              CSV
            </button>
            {!asTable && (
              <button
                type="button"
                className={styles.tool}
                onClick={() => {
                  void view.current?.toPng(title).then((png) => png && saveBlob(`${fileName}.png`, png));
                }}
                aria-label={`Save PNG: ${title}`}
              >
                PNG
              </button>
            )}
          </div>
        )}
      </div>
      {empty ? (
        <p className={styles.empty} style={{ minHeight: height * 0.6 }}>
          {emptyText}
        </p>
      ) : (
        <>
          {controls && <div className={styles.controls}>{controls}</div>}
          {!asTable && <ChartLegend plot={plot} series={legend} hidden={hidden} onToggle={toggle} readout={readout} />}
          {asTable ? (
            <ChartTable plot={plot} title={title} />
          ) : (
            <div ref={host} className={styles.canvas} style={{ height }} role="img" aria-labelledby={titleId} aria-describedby={captionId} />
          )}
          <p id={captionId} className={styles.summary}>
            {plot.summary}
          </p>
        </>
      )}
    </figure>
  );
}
