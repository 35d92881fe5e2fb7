/** Measured rates over steps, with 95 % intervals. Fixed 0-100 %, never smoothed. */
import { useMemo, type ReactNode } from 'react';
import { Chart } from './Chart.tsx';
import { mapSource, type ChartSource } from './chartSource.ts';
import { ratePlot, type RateName, type RatePoint } from './ratePlot.ts';

export interface RateChartProps {
  title: string;
  source: ChartSource<readonly RatePoint[]>;
  /** Which rates, in drawing order. Keep the array's identity between renders. */
  names: readonly RateName[];
  plannedSteps?: number;
  fileName?: string;
}

export function RateChart({ title, source, names, plannedSteps, fileName = 'rates' }: RateChartProps): ReactNode {
  const plots = useMemo(() => mapSource(source, (points) => ratePlot(points, names, { plannedSteps })), [source, names, plannedSteps]);
  return <Chart title={title} source={plots} fileName={fileName} emptyText="Measured rates with their 95 % intervals are drawn here, from step 0 (the base LM) on." />;
}
