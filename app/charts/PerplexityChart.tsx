/** Perplexity on everyday answers over the base LM's, with the limit a checkpoint has to keep. */
import { useMemo, type ReactNode } from 'react';
import { Chart } from './Chart.tsx';
import { mapSource, type ChartSource } from './chartSource.ts';
import { perplexityPlot, type PerplexityPoint } from './perplexityPlot.ts';

export interface PerplexityChartProps {
  source: ChartSource<readonly PerplexityPoint[]>;
  /** Highest ratio of an accepted checkpoint. */
  limit?: number;
  plannedSteps?: number;
  fileName?: string;
}

export function PerplexityChart({ source, limit, plannedSteps, fileName = 'perplexity' }: PerplexityChartProps): ReactNode {
  const plots = useMemo(() => mapSource(source, (points) => perplexityPlot(points, { limit, plannedSteps })), [source, limit, plannedSteps]);
  return <Chart title="Perplexity on everyday answers" source={plots} fileName={fileName} emptyText="Perplexity relative to the base LM is drawn here at every evaluation." />;
}
