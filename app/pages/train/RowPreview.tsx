/** One row of each kind as a run sees it: only the marked answer counts; the prompt is context. */
import { useState, type ReactNode } from 'react';
import { Badge } from '../../components/Badge.tsx';
import { Button } from '../../components/Button.tsx';
import { Card } from '../../components/Card.tsx';
import { ContentShield } from '../../components/ContentShield.tsx';
import type { TrainingData, TrainingPair } from '../../../src/records/run.ts';
import styles from './train.module.css';

export function RowPreview({ rows }: { rows: TrainingData }): ReactNode {
  const [index, setIndex] = useState(0);
  const kinds: { title: string; tone: 'unsafe' | 'safe'; verb: string; list: TrainingPair[] }[] = [
    { title: 'Unsafe', tone: 'unsafe', verb: 'moves away from', list: rows.unsafe },
    { title: 'Borderline', tone: 'safe', verb: 'learns', list: rows.borderline },
    { title: 'Everyday', tone: 'safe', verb: 'learns', list: rows.everyday },
  ];
  if (kinds.every((kind) => kind.list.length === 0)) return null;
  return (
    <Card
      title="What a step sees"
      hint="Only the underlined answer carries loss. The prompt, put into the model’s chat template, is context. The target also has the end-of-text token."
      aside={
        <Button size="s" variant="quiet" onClick={() => setIndex(index + 1)}>
          Other rows
        </Button>
      }
    >
      <ul className={styles.rows}>
        {kinds.map((kind) => {
          const pair = kind.list[index % Math.max(kind.list.length, 1)];
          return (
            pair && (
              <li key={kind.title} className={styles.row}>
                <div>
                  <Badge tone={kind.tone}>{kind.title}</Badge> <span className={styles.quiet}>{kind.verb}</span>
                </div>
                <p className={styles.quiet}>{pair.prompt}</p>
                <ContentShield key={pair.response} sensitive={kind.tone === 'unsafe'} what="row">
                  <p className={styles.target}>{pair.response}</p>
                </ContentShield>
              </li>
            )
          );
        })}
      </ul>
    </Card>
  );
}
