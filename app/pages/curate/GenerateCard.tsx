/** Settings of generation, and the button that starts it. */
import { useMemo } from 'react';
import { choosePrompts, generateResponses } from '../../actions/generateResponses.ts';
import { navigate } from '../../actions/navigate.ts';
import { Button } from '../../components/Button.tsx';
import { Card } from '../../components/Card.tsx';
import { Disclosure } from '../../components/Disclosure.tsx';
import { formatPlural } from '../../components/format.ts';
import { NumberField } from '../../components/NumberField.tsx';
import { SelectField } from '../../components/SelectField.tsx';
import { SliderField } from '../../components/SliderField.tsx';
import { selectedPromptIds } from '../../store/selection.ts';
import { selectActiveJob } from '../../store/stations.ts';
import { studio } from '../../store/studio.ts';
import { useStudio } from '../../store/useStudio.ts';
import styles from './CuratePage.module.css';

const CHOICES = [
  { value: 'first', label: 'A number of harmful prompts, spread over intents' },
  { value: 'all', label: 'All harmful prompts to curate' },
  { value: 'selected', label: 'The harmful ones selected on the Prompts page' },
] as const;

export function GenerateCard() {
  const project = useStudio((state) => state.project);
  const draft = useStudio((state) => state.drafts.generate);
  const pages = useStudio((state) => state.drafts.pages);
  const model = useStudio((state) => state.mirror.model);
  const busy = useStudio((state) => selectActiveJob(state) !== null);
  const prompts = useMemo(() => choosePrompts(project, draft.choice, draft.firstCount, selectedPromptIds(pages)), [project, draft.choice, draft.firstCount, pages]);
  const edit = (patch: Partial<typeof draft>) => studio.edit('generate', patch);
  const editConfig = (patch: Partial<typeof draft.config>) => edit({ config: { ...draft.config, ...patch } });
  const total = prompts.length * draft.samplesPerPrompt;
  const reason = !model ? 'No model is loaded.' : prompts.length === 0 ? 'No harmful prompt of the curate split is chosen.' : busy ? 'Another job is running.' : null;
  return (
    <Card title="Generate responses" hint="Sampled from the base model, streamed in as they are finished. You can stop at any time and keep what is there.">
      <div className={styles.fields}>
        <SelectField label="Prompts" value={draft.choice} onChange={(choice) => edit({ choice })} options={CHOICES} />
        {draft.choice === 'first' && <NumberField label="How many prompts" value={draft.firstCount} min={1} max={10000} onChange={(firstCount) => edit({ firstCount })} />}
        <NumberField label="Responses to each" value={draft.samplesPerPrompt} min={1} max={32} onChange={(samplesPerPrompt) => edit({ samplesPerPrompt })} />
      </div>
      <Disclosure summary="Sampling">
        <div className={styles.fields}>
          <SliderField label="Temperature" hint="0 always takes the likeliest token." value={draft.config.temperature} min={0} max={2} step={0.05} format={(value) => value.toFixed(2)} onChange={(temperature) => editConfig({ temperature })} />
          <SliderField label="Top-p" hint="1 keeps all tokens." value={draft.config.topP} min={0.05} max={1} step={0.05} format={(value) => value.toFixed(2)} onChange={(topP) => editConfig({ topP })} />
          <NumberField label="Top-k" hint="0 keeps all tokens." value={draft.config.topK} min={0} max={10000} onChange={(topK) => editConfig({ topK })} />
          <NumberField label="Most new tokens" value={draft.config.maxNewTokens} min={1} max={4096} onChange={(maxNewTokens) => editConfig({ maxNewTokens })} />
          <NumberField label="Seed" hint="The same seed gives the same responses." value={draft.config.seed} min={0} max={0xffffffff} onChange={(seed) => editConfig({ seed })} />
        </div>
      </Disclosure>
      <div className={styles.start}>
        <Button variant="primary" disabled={reason !== null} onClick={() => void generateResponses(prompts)}>
          Generate {formatPlural(total, 'response')}
        </Button>
        <span className={styles.muted}>
          {reason ?? `${formatPlural(prompts.length, 'prompt')} × ${draft.samplesPerPrompt}`}
          {!model && (
            <>
              {' '}
              <Button size="s" variant="quiet" onClick={() => navigate('model')}>
                Go to Model
              </Button>
            </>
          )}
        </span>
      </div>
    </Card>
  );
}
