/** Training loss with its terms, smoothing slider and linear or log axis. */
import { useMemo, useState, type ReactNode } from 'react';
import styles from './charts.module.css';
import { Chart } from './Chart.tsx';
import { mapSource, type ChartSource } from './chartSource.ts';
import { lossPlot, type LossPoint } from './lossPlot.ts';

/** The convention of training boards. */
const DEFAULT_SMOOTHING = 0.6;

export interface LossChartProps {
  source: ChartSource<readonly LossPoint[]>;
  plannedSteps?: number;
  fileName?: string;
}

export function LossChart({ source, plannedSteps, fileName = 'loss' }: LossChartProps): ReactNode {
  const [smoothing, setSmoothing] = useState(DEFAULT_SMOOTHING);
  const [log, setLog] = useState(false);
  const plots = useMemo(() => mapSource(source, (points) => lossPlot(points, { smoothing, log, plannedSteps })), [source, smoothing, log, plannedSteps]);
  return (
    <Chart
      title="Training loss"
      source={plots}
      fileName={fileName}
      emptyText="The loss of every step, split into its terms, is drawn here as soon as training starts."
      controls={
        <>
          <label className={styles.control}>
            Smoothing
            <input type="range" min={0} max={0.99} step={0.01} value={smoothing} onChange={(event) => setSmoothing(Number(event.target.value))} />
            <output>{smoothing.toFixed(2)}</output>
          </label>
          <label className={styles.control}>
            <input type="checkbox" checked={log} onChange={(event) => setLog(event.target.checked)} />
            Log axis
          </label>
        </>
      }
    />
  );
}
