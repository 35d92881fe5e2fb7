/** The outcome in numbers: each rate before and after with k/n and interval, the difference, and whether it is more than chance. */
import { type ReactNode } from 'react';
import { Badge } from '../../components/Badge.tsx';
import { Card } from '../../components/Card.tsx';
import { RateText } from '../../components/RateText.tsx';
import { formatDuration } from '../../components/format.ts';
import type { EvaluationMetrics } from '../../../src/records/evaluation.ts';
import type { SavedReport } from '../../store/project/project.ts';
import type { ComparedRow } from './comparison.ts';
import { formatP, formatPoints, perplexityRatio, rateRows } from './summary.ts';
import styles from './evaluate.module.css';

export interface ResultCardProps {
  base: SavedReport;
  tuned: SavedReport;
  baseMetrics: EvaluationMetrics;
  tunedMetrics: EvaluationMetrics;
  rows: readonly ComparedRow[];
  /** Answers whose finding a person changed, both sides together. */
  overruled: number;
  actions: ReactNode;
}

export function ResultCard({ base, tuned, baseMetrics, tunedMetrics, rows, overruled, actions }: ResultCardProps): ReactNode {
  const rates = rateRows(baseMetrics, tunedMetrics, rows);
  const ratio = perplexityRatio(baseMetrics, tunedMetrics);
  const { report } = tuned;
  return (
    <Card
      title={`${tuned.title} against the base model`}
      hint={`${report.split === 'custom' ? 'Own' : report.split === 'test' ? 'Test' : 'Validation'} prompts, ${rows.length} in all, ${new Date(tuned.createdAt).toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'short' })}, ${formatDuration(base.report.elapsedMs + report.elapsedMs)}`}
      aside={actions}
    >
      <div className={styles.scroll} role="region" aria-label="Rates before and after" tabIndex={0}>
        <table className={styles.rates}>
          <thead>
            <tr>
              <th scope="col">Rate</th>
              <th scope="col">
                Base<span className={styles.fingerprint}>{base.report.weightsFingerprint.slice(0, 12)}</span>
              </th>
              <th scope="col">
                Tuned<span className={styles.fingerprint}>{report.weightsFingerprint.slice(0, 12)}</span>
              </th>
              <th scope="col">Difference</th>
            </tr>
          </thead>
          <tbody>
            {rates.map((row) => (
              <tr key={row.id}>
                <th scope="row">
                  {row.label}
                  <span className={styles.help}>{row.help}</span>
                </th>
                <td>
                  <RateText rate={row.base} stacked />
                </td>
                <td>
                  <RateText rate={row.tuned} stacked />
                </td>
                <td>
                  {row.difference === null ? (
                    '–'
                  ) : (
                    <>
                      <span className={verdictOf(row.difference, row.better, row.pValue)}>{formatPoints(row.difference)}</span>
                      {row.pValue !== null && <span className={styles.help}>{formatP(row.pValue)}</span>}
                    </>
                  )}
                </td>
              </tr>
            ))}
            <tr>
              <th scope="row">
                Perplexity
                <span className={styles.help}>On everyday reference answers, {report.metrics.perplexityTokens.toLocaleString('en-GB')} tokens</span>
              </th>
              <td>{Number.isFinite(baseMetrics.perplexity) ? baseMetrics.perplexity.toFixed(3) : 'not measured'}</td>
              <td>{Number.isFinite(tunedMetrics.perplexity) ? tunedMetrics.perplexity.toFixed(3) : 'not measured'}</td>
              <td>{ratio === null ? '–' : `×${ratio.toFixed(3)}`}</td>
            </tr>
          </tbody>
        </table>
      </div>
      <p className={styles.quiet}>
        Percentages are k of n with a 95 % interval{rates.some((row) => row.tuned.interval === 'clustered') ? ', widened because several prompts share an intent' : ''}. p is McNemar’s exact test over the same prompts; it takes them as
        independent, so it is somewhat too small. {baseMetrics.unassessed + tunedMetrics.unassessed > 0 && `${baseMetrics.unassessed} base and ${tunedMetrics.unassessed} tuned answers could not be assessed and count nowhere. `}
        {overruled > 0 && (
          <Badge tone="accent" title="Counted again with your labels">
            {overruled} overruled by you
          </Badge>
        )}
      </p>
      <p className={styles.quiet}>
        Judges: {report.judges.join(', ')}. {report.coherenceNote ?? `Answers above ${report.coherenceThresholdNats.toFixed(2)} nats a token under the base model count as incoherent.`}
      </p>
    </Card>
  );
}

function verdictOf(difference: number, better: 'lower' | 'higher' | 'neither', p: number | null): string | undefined {
  // Only a difference that chance hardly makes gets a colour.
  if (better === 'neither' || difference === 0 || p === null || p >= 0.05) return styles.difference;
  return difference < 0 === (better === 'lower') ? styles.good : styles.bad;
}
