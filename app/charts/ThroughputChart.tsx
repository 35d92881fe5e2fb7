/** Training speed over steps. */
import { useMemo, type ReactNode } from 'react';
import { Chart } from './Chart.tsx';
import { mapSource, type ChartSource } from './chartSource.ts';
import { throughputPlot, type ThroughputPoint } from './throughputPlot.ts';

export interface ThroughputChartProps {
  source: ChartSource<readonly ThroughputPoint[]>;
  plannedSteps?: number;
  fileName?: string;
}

export function ThroughputChart({ source, plannedSteps, fileName = 'throughput' }: ThroughputChartProps): ReactNode {
  const plots = useMemo(() => mapSource(source, (points) => throughputPlot(points, { plannedSteps })), [source, plannedSteps]);
  return <Chart title="Speed" source={plots} fileName={fileName} emptyText="Tokens per second, as measured, are drawn here while training." />;
}
