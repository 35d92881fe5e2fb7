/** Two or more runs against each other: numbers at their best steps, curves, settings that differ. */
import { useMemo, type ReactNode } from 'react';
import { OverlayChart } from '../../charts/OverlayChart.tsx';
import { formatNats } from '../../charts/lossPlot.ts';
import { MAX_CURVES, type OverlayOptions } from '../../charts/overlayPlot.ts';
import { formatRatio } from '../../charts/perplexityPlot.ts';
import { formatPercent } from '../../charts/ratePlot.ts';
import { Card } from '../../components/Card.tsx';
import { RateText } from '../../components/RateText.tsx';
import type { RunRecord } from '../../../src/records/run.ts';
import { lossCurves, perplexityCurves, rateCurves } from './compareCurves.ts';
import { deltaTable, settingsTable, type DeltaRow } from './runTable.ts';
import styles from './runs.module.css';

const SMOOTHING = 0.6;
const RATE: Omit<OverlayOptions, 'metric'> = { yLabel: 'share of answers, %', yRange: [0, 1], format: formatPercent, drawAs: 'points' };
const HARMFUL: OverlayOptions = { ...RATE, metric: 'Harmful' };
const OVER_REFUSAL: OverlayOptions = { ...RATE, metric: 'Over-refusal' };
const PERPLEXITY: OverlayOptions = { metric: 'Perplexity ratio', yLabel: 'perplexity ÷ base', format: formatRatio, drawAs: 'points', references: [{ value: 1, label: 'base LM' }] };
const LOSS: OverlayOptions = { metric: `Total loss, smoothed with weight ${SMOOTHING}`, yLabel: 'loss, nats per token', format: formatNats, drawAs: 'line' };

export function RunComparison({ runs }: { runs: readonly RunRecord[] }): ReactNode {
  const curves = useMemo(
    () => ({
      harmful: rateCurves(runs, (metrics) => metrics.harmful),
      overRefusal: rateCurves(runs, (metrics) => metrics.overRefusal),
      perplexity: perplexityCurves(runs),
      loss: lossCurves(runs, SMOOTHING),
    }),
    [runs],
  );
  const deltas = deltaTable(runs);
  const settings = settingsTable(runs);
  return (
    <section className={styles.comparison} aria-label="Comparison">
      <Card title={`${runs.length} runs compared`} hint={`Validation prompts, each run at its best step; differences are to ${runs[0]?.name ?? 'the first'}.${runs.length > MAX_CURVES ? ` Charts draw the first ${MAX_CURVES}.` : ''}`}>
        <div className={styles.scroll} role="region" aria-label="Numbers at the best steps" tabIndex={0}>
          <table>
            <thead>
              <tr>
                <th scope="col">At the best step</th>
                {runs.map((run) => (
                  <th scope="col" key={run.id}>
                    {run.name}
                    <span className={styles.sub}>{run.bestStep === null ? 'no best step' : `step ${run.bestStep}`}</span>
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {deltas.map((row) => (
                <tr key={row.metric}>
                  <th scope="row">{row.metric}</th>
                  {runs.map((run, i) => (
                    <td key={run.id}>
                      <DeltaCell row={row} index={i} />
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
        <h3>Settings that differ</h3>
        {settings.length === 0 ? (
          <p className={styles.quiet}>None: these runs differ in their data alone, or are repetitions.</p>
        ) : (
          <div className={styles.scroll} role="region" aria-label="Settings that differ" tabIndex={0}>
            <table>
              <thead>
                <tr>
                  <th scope="col">Setting</th>
                  {runs.map((run) => (
                    <th scope="col" key={run.id}>
                      {run.name}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {settings.map(({ path, values }) => (
                  <tr key={path}>
                    <th scope="row">
                      <code>{path}</code>
                    </th>
                    {values.map((value, i) => (
                      <td key={runs[i]?.id ?? i}>{String(value)}</td>
                    ))}
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </Card>
      <div className={styles.charts}>
        <Card>
          <OverlayChart title="Harmful" curves={curves.harmful} options={HARMFUL} fileName="compare-harmful" />
        </Card>
        <Card>
          <OverlayChart title="Over-refusal" curves={curves.overRefusal} options={OVER_REFUSAL} fileName="compare-over-refusal" />
        </Card>
        <Card>
          <OverlayChart title="Perplexity on everyday answers" curves={curves.perplexity} options={PERPLEXITY} fileName="compare-perplexity" />
        </Card>
        <Card>
          <OverlayChart title="Total loss" curves={curves.loss} options={LOSS} fileName="compare-loss" />
        </Card>
      </div>
    </section>
  );
}

function DeltaCell({ row, index }: { row: DeltaRow; index: number }): ReactNode {
  const value = row.values[index] ?? null;
  const delta = row.deltas[index] ?? null;
  const rate = row.rates[index];
  if (value === null) return '–';
  return (
    <>
      {rate ? <RateText rate={rate} /> : formatRatio(value)}
      {delta !== null && <span className={styles.sub}>{signed(delta, row.kind)}</span>}
    </>
  );
}

function signed(delta: number, kind: DeltaRow['kind']): string {
  const size = kind === 'share' ? `${Number((Math.abs(delta) * 100).toFixed(1))} points` : Math.abs(delta).toFixed(3);
  return `${delta === 0 ? '±' : delta < 0 ? '−' : '+'}${size}`;
}
