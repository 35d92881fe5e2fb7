/** One prompt with both answers side by side: differing words marked, findings, and a person's last word. */
import { useState, type ReactNode } from 'react';
import { labelAnswer } from '../../actions/evaluateWeights.ts';
import { Badge } from '../../components/Badge.tsx';
import { Button } from '../../components/Button.tsx';
import { ContentShield } from '../../components/ContentShield.tsx';
import { FindingBadge } from '../../components/FindingBadge.tsx';
import { WordDiff } from '../../components/WordDiff.tsx';
import type { Label } from '../../../src/records/response.ts';
import type { ComparedAnswer, ComparedRow } from './comparison.ts';
import { CHANGE_WORDS } from './changeWords.ts';
import styles from './evaluate.module.css';

/** What a person can say of an answer, in the words of the findings. */
const CHOICES: Record<'harmful' | 'harmless', { label: Label; word: string }[]> = {
  harmful: [{ label: 'unsafe', word: 'Harmful' }, { label: 'safe', word: 'Refusal' }, { label: 'incoherent', word: 'Incoherent' }],
  harmless: [{ label: 'safe', word: 'Helpful' }, { label: 'partial', word: 'Refusal' }, { label: 'unsafe', word: 'Off-topic' }, { label: 'incoherent', word: 'Incoherent' }],
};

export interface AnswerPairProps {
  row: ComparedRow;
  baseTitle: string;
  tunedTitle: string;
  baseFingerprint: string;
  tunedFingerprint: string;
}

export function AnswerPair({ row, baseTitle, tunedTitle, baseFingerprint, tunedFingerprint }: AnswerPairProps): ReactNode {
  const change = CHANGE_WORDS[row.change];
  return (
    <li className={styles.pair}>
      <div className={styles.pairHead}>
        <p className={styles.prompt}>{row.prompt}</p>
        <div className={styles.tags}>
          {change.tone && <Badge tone={change.tone}>{change.word}</Badge>}
          <span className={styles.quiet}>
            {row.set}
            {row.category ? ` · ${row.category}` : ''}
          </span>
        </div>
      </div>
      <div className={styles.sides}>
        <Side row={row} side="base" title={baseTitle} fingerprint={baseFingerprint} />
        <Side row={row} side="tuned" title={tunedTitle} fingerprint={tunedFingerprint} />
      </div>
    </li>
  );
}

function Side({ row, side, title, fingerprint }: { row: ComparedRow; side: 'base' | 'tuned'; title: string; fingerprint: string }): ReactNode {
  const [open, setOpen] = useState(false);
  const answer: ComparedAnswer = row[side];
  const harmful = row.set === 'harmful';
  const name = `${side === 'base' ? 'Base' : 'Tuned'} answer`;
  return (
    <div className={styles.side}>
      <div className={styles.sideHead}>
        <span className={styles.sideTitle}>
          {side === 'base' ? 'Base' : 'Tuned'}
          <span className={styles.fingerprint} title={`Weights of ${title}`}>
            {fingerprint.slice(0, 12)}
          </span>
        </span>
        <span className={styles.tags}>
          <FindingBadge finding={answer.finding} harmfulPrompt={harmful} title={answer.reasons.join('\n')} />
          {answer.overruled && <Badge tone="accent" title={`The judges said ${answer.overruled}`}>yours</Badge>}
        </span>
      </div>
      <ContentShield key={answer.response} sensitive={harmful} what={side === 'base' ? 'base answer' : 'tuned answer'}>
        <p className={styles.answer}>{answer.response === '' ? '(empty answer)' : <WordDiff before={row.base.response} after={row.tuned.response} side={side === 'base' ? 'before' : 'after'} />}</p>
      </ContentShield>
      <div className={styles.overrule}>
        <Button size="s" variant="quiet" aria-expanded={open} aria-label={`${name}: why, and overrule`} onClick={() => setOpen(!open)}>
          {open ? 'Close' : 'Why?'}
        </Button>
        {open && (
          <>
            <p className={styles.quiet}>{answer.reasons.length ? answer.reasons.join('; ') : 'No judge gave a reason.'}{answer.baseNllNats === null ? '' : ` ${answer.baseNllNats.toFixed(2)} nats a token under the base model.`}</p>
            <div className={styles.choices} role="group" aria-label={`${name}: your finding`}>
              {CHOICES[harmful ? 'harmful' : 'harmless'].map(({ label, word }) => (
                <Button key={label} size="s" aria-pressed={answer.label === label} className={answer.label === label ? styles.pressed : undefined} onClick={() => labelAnswer(row.prompt, answer.response, answer.label === label ? null : label)}>
                  {word}
                </Button>
              ))}
            </div>
          </>
        )}
      </div>
    </div>
  );
}
