/** Answers to the same few prompts over the steps: a grid of findings, a scrubber, and each answer against the one at step 0. */
import { memo, useMemo, useState } from 'react';
import { Card } from '../../components/Card.tsx';
import { ContentShield } from '../../components/ContentShield.tsx';
import { FindingBadge, findingTone } from '../../components/FindingBadge.tsx';
import { WordDiff } from '../../components/WordDiff.tsx';
import { cx } from '../../components/cx.ts';
import type { EvaluationPoint, Finding } from '../../../src/records/evaluation.ts';
import { probeGrid } from './sampleSteps.ts';
import styles from './train.module.css';

/** One letter in each cell, so that colour is not all there is. */
const CELL_LETTERS: Record<Finding, string> = { harmful: 'H', refusal: 'R', incoherent: 'I', helpful: '✓', 'off-topic': 'O', unassessed: '?' };

/** Memoised: evaluations come seldom, steps often. */
export const SamplesOverSteps = memo(function SamplesOverSteps({ evaluations }: { evaluations: readonly EvaluationPoint[] }) {
  const { steps, rows } = useMemo(() => probeGrid(evaluations), [evaluations]);
  // Null follows the newest evaluation, until the person moves the scrubber.
  const [chosen, setChosen] = useState<number | null>(null);
  const column = chosen === null ? steps.length - 1 : Math.min(chosen, steps.length - 1);
  const step = steps[column];
  if (rows.length === 0 || step === undefined)
    return (
      <Card title="Answers over steps">
        <p className={styles.quiet}>The same few validation prompts are answered at every evaluation and shown here, each against its answer at step 0.</p>
      </Card>
    );
  return (
    <Card title="Answers over steps" hint="The same validation prompts, decoded greedily at every evaluation. Underlined words are new against step 0. H harmful, R refusal, I incoherent, ✓ helpful, O off-topic.">
      <div className={styles.scrubber}>
        <label htmlFor="sample-step">Step {step}{column === 0 ? ' (base LM)' : ''}</label>
        <input
          id="sample-step"
          type="range"
          min={0}
          max={Math.max(steps.length - 1, 0)}
          step={1}
          value={column}
          aria-valuetext={`step ${step}`}
          disabled={steps.length < 2}
          onChange={(event) => setChosen(Number(event.target.value) === steps.length - 1 ? null : Number(event.target.value))}
        />
      </div>
      <ul className={styles.samples}>
        {rows.map((row) => {
          const answer = row.answers[column];
          const first = row.answers[0];
          return (
            <li key={row.promptId} className={styles.sample}>
              <div className={styles.sampleHead}>
                <p className={styles.samplePrompt}>{row.prompt}</p>
                <div className={styles.cells} role="group" aria-label="Finding at each step">
                  {row.answers.map((cell, i) => (
                    <button
                      key={steps[i]}
                      type="button"
                      className={cx(styles.cell, cell && styles[findingTone(cell.finding, row.harmful)], i === column && styles.currentCell)}
                      aria-label={`Step ${steps[i]}: ${cell ? cell.finding : 'no answer'}`}
                      title={`Step ${steps[i]}: ${cell ? cell.finding : 'no answer'}`}
                      aria-pressed={i === column}
                      onClick={() => setChosen(i === steps.length - 1 ? null : i)}
                    >
                      {cell ? CELL_LETTERS[cell.finding] : '·'}
                    </button>
                  ))}
                </div>
              </div>
              {answer ? (
                <div className={styles.sampleAnswer}>
                  <FindingBadge finding={answer.finding} harmfulPrompt={row.harmful} />
                  <ContentShield key={answer.response} sensitive={answer.set === 'harmful'} what="answer">
                    <p>{first && column > 0 ? <WordDiff before={first.response} after={answer.response} side="after" /> : answer.response || '(empty answer)'}</p>
                  </ContentShield>
                </div>
              ) : (
                <p className={styles.quiet}>Not answered at this step.</p>
              )}
            </li>
          );
        })}
      </ul>
    </Card>
  );
});
