/** Ready or not, why, and the one button that starts a run. */
import { useState, type ReactNode } from 'react';
import { startTraining } from '../../actions/trainRun.ts';
import { Badge } from '../../components/Badge.tsx';
import { Button } from '../../components/Button.tsx';
import { Card, Facts } from '../../components/Card.tsx';
import { TextField } from '../../components/Field.tsx';
import { Icon } from '../../components/Icon.tsx';
import { toHash } from '../../store/route.ts';
import { studio } from '../../store/studio.ts';
import type { Readiness, ReadinessFacts, ReadinessReason } from './readiness.ts';
import { suggestRunName } from './runName.ts';
import styles from './train.module.css';

export interface ReadyCardProps {
  facts: ReadinessFacts;
  readiness: Readiness;
  /** The person's own name for the next run; empty for a suggested one. */
  name: string;
  takenNames: readonly string[];
  /** Called when a run was asked for. */
  onStart(): void;
}

const PAGE_NAMES = { model: 'Model', prompts: 'Prompts', curate: 'Curate' };

export function ReadyCard({ facts, readiness, name, takenNames, onStart }: ReadyCardProps): ReactNode {
  const [suggested, setSuggested] = useState(() => suggestRunName(takenNames, Math.random));
  const shown = name === '' ? suggested : name;
  const taken = takenNames.includes(shown.trim());
  const start = (): void => {
    void startTraining(shown.trim());
    setSuggested(suggestRunName([...takenNames, shown], Math.random));
    onStart();
  };
  return (
    <Card title="Next run" aside={readiness.ready ? <Badge tone="safe">Ready</Badge> : <Badge tone="partial">Not ready</Badge>}>
      <Facts
        rows={[
          ['Model', facts.modelName ?? 'none'],
          ['Unsafe responses', facts.unsafe > facts.config.unsafeSamples ? `${facts.unsafe}, at most ${facts.config.unsafeSamples} used` : facts.unsafe],
          ['Everyday rows', facts.everyday],
          ['Borderline rows', facts.borderline],
          ['Validation prompts', `${facts.validation.harmful} + ${facts.validation.borderline} + ${facts.validation.everyday}`],
        ]}
      />
      {(readiness.blockers.length > 0 || readiness.warnings.length > 0) && (
        <ul className={styles.reasons}>
          {readiness.blockers.map((reason) => (
            <Reason key={reason.text} reason={reason} blocks />
          ))}
          {readiness.warnings.map((reason) => (
            <Reason key={reason.text} reason={reason} />
          ))}
        </ul>
      )}
      <div className={styles.start}>
        <TextField label="Run name" value={shown} onChange={(next) => studio.edit('train', { name: next })} error={taken ? 'Another run has this name; both are kept.' : null} />
        <Button variant="primary" size="l" icon={<Icon name="play" size={16} />} disabled={!readiness.ready || shown.trim() === ''} onClick={start}>
          Start training
        </Button>
      </div>
    </Card>
  );
}

function Reason({ reason, blocks }: { reason: ReadinessReason; blocks?: boolean }): ReactNode {
  return (
    <li className={blocks ? styles.blocker : styles.warning}>
      <Icon name="warn" size={16} />
      <span>
        <span className="visually-hidden">{blocks ? 'Missing: ' : 'Warning: '}</span>
        {reason.text} {reason.page && <a href={toHash(reason.page)}>Go to {PAGE_NAMES[reason.page]}</a>}
      </span>
    </li>
  );
}
