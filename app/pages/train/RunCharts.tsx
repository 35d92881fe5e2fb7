/** The charts of one run: losses, three outcomes, harmless prompts, perplexity, speed, on one crosshair. */
import { memo, useMemo } from 'react';
import { mapSource } from '../../charts/chartSource.ts';
import { LossChart } from '../../charts/LossChart.tsx';
import { PerplexityChart } from '../../charts/PerplexityChart.tsx';
import { RateChart } from '../../charts/RateChart.tsx';
import { ThroughputChart } from '../../charts/ThroughputChart.tsx';
import { Card } from '../../components/Card.tsx';
import { evaluationSource, stepSource, toPerplexityPoint, toRatePoint } from './runSource.ts';
import styles from './train.module.css';

const TOXIC = ['harmful', 'refusal', 'incoherent'] as const;
const HARMLESS = ['overRefusal', 'helpful'] as const;

export interface RunChartsProps {
  runId: string;
  name: string;
  plannedSteps: number;
  /** Highest perplexity ratio of an accepted checkpoint. */
  perplexityLimit: number;
}

/** Memoised: a live run changes ten times a second, and the charts draw by themselves. */
export const RunCharts = memo(function RunCharts({ runId, name, plannedSteps, perplexityLimit }: RunChartsProps) {
  const sources = useMemo(() => {
    const evaluations = evaluationSource(runId);
    return {
      steps: stepSource(runId),
      rates: mapSource(evaluations, (points) => points.map(toRatePoint)),
      perplexities: mapSource(evaluations, (points) => points.map(toPerplexityPoint)),
    };
  }, [runId]);
  return (
    <div className={styles.charts}>
      <Card>
        <LossChart source={sources.steps} plannedSteps={plannedSteps} fileName={`${name}-loss`} />
      </Card>
      <Card>
        <RateChart title="Toxic prompts: three outcomes" source={sources.rates} names={TOXIC} plannedSteps={plannedSteps} fileName={`${name}-safety`} />
      </Card>
      <Card>
        <RateChart title="Harmless prompts" source={sources.rates} names={HARMLESS} plannedSteps={plannedSteps} fileName={`${name}-harmless`} />
      </Card>
      <Card>
        <PerplexityChart source={sources.perplexities} limit={perplexityLimit} plannedSteps={plannedSteps} fileName={`${name}-perplexity`} />
      </Card>
      <Card>
        <ThroughputChart source={sources.steps} plannedSteps={plannedSteps} fileName={`${name}-speed`} />
      </Card>
    </div>
  );
});
