/** How many prompts of each set and split the project has, with intents: what the statistics will rest on. */
import { useMemo } from 'react';
import type { PromptSet, Split } from '../../../src/records/prompt.ts';
import { Card } from '../../components/Card.tsx';
import { useStudio } from '../../store/useStudio.ts';
import styles from './PromptsPage.module.css';
import { SETS, SPLITS } from './promptWords.ts';

export function PromptCounts() {
  const prompts = useStudio((state) => state.project.prompts);
  const counts = useMemo(() => {
    const cells = new Map<string, { prompts: number; intents: Set<string> }>();
    for (const prompt of prompts) {
      const key = `${prompt.set}/${prompt.split}`;
      const cell = cells.get(key) ?? { prompts: 0, intents: new Set() };
      cell.prompts += 1;
      cell.intents.add(prompt.intent ?? prompt.id);
      cells.set(key, cell);
    }
    return (set: PromptSet, split: Split) => cells.get(`${set}/${split}`);
  }, [prompts]);
  return (
    <Card title={`${prompts.length.toLocaleString('en-GB')} prompts`}>
      <div className={styles.scroll} tabIndex={0} role="region" aria-label="Prompts by set and split">
        <table>
          <thead>
            <tr>
              <th scope="col">Set</th>
              {SPLITS.map((split) => (
                <th key={split.value} scope="col">
                  {split.label} <span className={styles.what}>{split.what}</span>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {SETS.map((set) => (
              <tr key={set.value}>
                <th scope="row" className={styles.set}>
                  {set.label} <span className={styles.what}>{set.what}</span>
                </th>
                {SPLITS.map((split) => {
                  const cell = counts(set.value, split.value);
                  return (
                    <td key={split.value}>
                      {cell ? cell.prompts : 0}
                      {cell && <span className={styles.what}> {cell.intents.size} intents</span>}
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Card>
  );
}
