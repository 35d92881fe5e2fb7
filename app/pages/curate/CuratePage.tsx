/** The station Curate: generate responses, then decide on each with one key. */
import { useState } from 'react';
import { navigate } from '../../actions/navigate.ts';
import { Button } from '../../components/Button.tsx';
import { EmptyState } from '../../components/EmptyState.tsx';
import { PageHeader } from '../../components/PageHeader.tsx';
import { countLabels, ENOUGH_UNSAFE } from '../../store/stations.ts';
import { useStudio, useStudioParts } from '../../store/useStudio.ts';
import { ContentNotice } from './ContentNotice.tsx';
import { GenerateCard } from './GenerateCard.tsx';
import { GenerationStatus } from './GenerationStatus.tsx';
import { ProgressCard } from './ProgressCard.tsx';
import { Queue } from './Queue.tsx';

export function CuratePage() {
  const counts = useStudioParts((state) => countLabels(state.project));
  const hasPrompts = useStudio((state) => state.project.prompts.some((prompt) => prompt.split === 'curate'));
  const [generating, setGenerating] = useState(false);
  const hasResponses = counts.responses > 0;
  return (
    <>
      <PageHeader title="Curate" lead="The model answers harmful requests; you say which answers are unsafe. Those are what the training moves away from.">
        {hasResponses && (
          <Button aria-expanded={generating} onClick={() => setGenerating(!generating)}>
            Generate more
          </Button>
        )}
        {hasResponses && (
          <Button variant={counts.unsafe >= ENOUGH_UNSAFE ? 'primary' : 'secondary'} onClick={() => navigate('train')}>
            Next: Train
          </Button>
        )}
      </PageHeader>
      {!hasPrompts && !hasResponses ? (
        <EmptyState
          title="Nothing to curate yet"
          actions={
            <Button variant="primary" onClick={() => navigate('prompts')}>
              Go to Prompts
            </Button>
          }
        >
          <p>First add prompts of the curate split: the built-in set has them.</p>
        </EmptyState>
      ) : (
        (generating || !hasResponses) && <GenerateCard />
      )}
      {hasPrompts && <ContentNotice />}
      {hasResponses && <ProgressCard />}
      {hasResponses && <Queue />}
      <GenerationStatus />
    </>
  );
}
