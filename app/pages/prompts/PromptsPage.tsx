/** The station Prompts: what is in the project, and how to add more: built in, pasted, dropped or from a file. */
import { useState } from 'react';
import { navigate } from '../../actions/navigate.ts';
import { addBuiltInPrompts } from '../../actions/prompts.ts';
import { Button } from '../../components/Button.tsx';
import { Card } from '../../components/Card.tsx';
import { EmptyState } from '../../components/EmptyState.tsx';
import { PageHeader } from '../../components/PageHeader.tsx';
import { useStudio } from '../../store/useStudio.ts';
import { ImportCard } from './ImportCard.tsx';
import { PromptCounts } from './PromptCounts.tsx';
import { PromptList } from './PromptList.tsx';

export function PromptsPage() {
  const count = useStudio((state) => state.project.prompts.length);
  const hasBuiltIn = useStudio((state) => state.project.prompts.some((prompt) => prompt.source === 'built-in'));
  const [adding, setAdding] = useState(false);
  const addBuiltIn = async () => {
    setAdding(true);
    await addBuiltInPrompts();
    setAdding(false);
  };
  return (
    <>
      <PageHeader title="Prompts" lead="Three sets: harmful requests, borderline ones that only sound harmful, and everyday tasks. Each prompt is for curating, for validation or for the final test.">
        {count > 0 && !hasBuiltIn && (
          <Button disabled={adding} onClick={() => void addBuiltIn()}>
            Add the built-in set
          </Button>
        )}
        {count > 0 && (
          <Button variant="primary" onClick={() => navigate('curate')}>
            Next: Curate
          </Button>
        )}
      </PageHeader>
      {count === 0 ? (
        <EmptyState
          title="No prompts yet"
          actions={
            <Button variant="primary" disabled={adding} onClick={() => void addBuiltIn()}>
              {adding ? 'Adding…' : 'Add the built-in set'}
            </Button>
          }
        >
          <p>The built-in set fits the demo model: mild harmful requests, harmless ones that only sound harmful, and everyday tasks, with its own validation and test prompts. Or bring your own below.</p>
        </EmptyState>
      ) : (
        <PromptCounts />
      )}
      <ImportCard collapsible={count > 0} />
      {count > 0 && (
        <Card title="All prompts">
          <PromptList />
        </Card>
      )}
    </>
  );
}
