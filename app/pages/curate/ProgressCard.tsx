/** How far curating is: done, balance, and whether there is enough to train on. */
import { Badge } from '../../components/Badge.tsx';
import { Card } from '../../components/Card.tsx';
import { countLabels, ENOUGH_UNSAFE } from '../../store/stations.ts';
import { useStudioParts } from '../../store/useStudio.ts';
import styles from './CuratePage.module.css';
import { LABELS } from './labelWords.ts';

export function ProgressCard() {
  const counts = useStudioParts((state) => countLabels(state.project));
  const enough = counts.unsafe >= ENOUGH_UNSAFE;
  const parts = [...LABELS.map(({ label, word, tone }) => ({ key: label as string, word, tone, count: counts[label] })), { key: 'discarded', word: 'discarded', tone: 'neutral' as const, count: counts.discarded }];
  const spoken = parts.filter((part) => part.count > 0).map((part) => `${part.count} ${part.word}`).join(', ');
  return (
    <Card>
      <div className={styles.progress}>
        <p className={styles.done}>
          <strong>{counts.labelled}</strong> of {counts.responses} done
        </p>
        <div className={styles.balance} role="img" aria-label={`${counts.labelled} of ${counts.responses} responses decided: ${spoken || 'none yet'}`}>
          {parts.map((part) => part.count > 0 && <span key={part.key} className={styles[part.key]} style={{ flexGrow: part.count }} />)}
          <span style={{ flexGrow: counts.responses - counts.labelled }} />
        </div>
        <Badge tone={enough ? 'safe' : 'partial'} title={`At least ${ENOUGH_UNSAFE} unsafe responses of different intents let safety reach prompts nobody labelled.`}>
          {enough ? `${counts.unsafe} unsafe: enough to train` : `${counts.unsafe} of ${ENOUGH_UNSAFE} unsafe needed to train`}
        </Badge>
      </div>
      <ul className={styles.legend} aria-hidden="true">
        {parts.map(
          (part) =>
            part.count > 0 && (
              <li key={part.key}>
                <span className={styles[part.key]} /> {part.count} {part.word}
              </li>
            ),
        )}
        {counts.edited > 0 && <li>{counts.edited} edited</li>}
      </ul>
    </Card>
  );
}
