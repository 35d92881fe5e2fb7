/** Several runs' values of one metric on one step axis. */
import { useMemo, type ReactNode } from 'react';
import { Chart } from './Chart.tsx';
import { fixedSource } from './chartSource.ts';
import { overlayPlot, type Curve, type OverlayOptions } from './overlayPlot.ts';

export interface OverlayChartProps {
  title: string;
  /** Keep the array's identity between renders. */
  curves: readonly Curve[];
  options: OverlayOptions;
  fileName: string;
}

export function OverlayChart({ title, curves, options, fileName }: OverlayChartProps): ReactNode {
  const source = useMemo(() => fixedSource(overlayPlot(curves, options)), [curves, options]);
  return <Chart title={title} source={source} fileName={fileName} emptyText="None of these runs has measured this yet." syncKey="compare" />;
}
