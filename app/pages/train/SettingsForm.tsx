/** The form over the training settings: five that matter first, all others behind one button. Says how many differ from the defaults. */
import { type ReactNode } from 'react';
import { setCoherenceSamples, setValidationSize } from '../../actions/trainRun.ts';
import { Badge } from '../../components/Badge.tsx';
import { Button } from '../../components/Button.tsx';
import { Card } from '../../components/Card.tsx';
import { NumberField } from '../../components/NumberField.tsx';
import { SelectField } from '../../components/SelectField.tsx';
import { SwitchField } from '../../components/SwitchField.tsx';
import { defaultTrainConfig, type TrainConfig } from '../../../src/config/train.ts';
import { diffSettings, listSettings, withSetting, type SettingPath } from '../../../src/config/trainSettings.ts';
import { studio } from '../../store/studio.ts';
import { METHOD_GROUP, TRAIN_FIELD_GROUPS, type TrainField } from './trainFields.ts';
import styles from './train.module.css';

export interface SettingsFormProps {
  config: TrainConfig;
  advanced: boolean;
  /** Prompts of each set in an evaluation during training; 0 takes all. */
  validationPerSet: number;
  /** Answers of the base LM, of each kind, that set the coherence threshold; the same on Evaluate. */
  coherenceSamples: number;
  problem: string | null;
}

export function SettingsForm({ config, advanced, validationPerSet, coherenceSamples, problem }: SettingsFormProps): ReactNode {
  const differences = diffSettings(config);
  const set = (path: SettingPath, value: string | number | boolean): void => studio.edit('train', { config: withSetting(config, path, value) });
  const values = new Map(listSettings(config).map(({ path, value }) => [path, value]));
  const changed = new Map(differences.map((difference) => [difference.path, difference.reference]));
  const show = (field: TrainField): ReactNode => {
    const value = values.get(field.path);
    const before = changed.get(field.path);
    const common = { label: field.label, hint: <FieldHelp help={field.help} before={before} /> };
    switch (field.kind) {
      case 'number':
        return <NumberField key={field.path} {...common} value={value as number} min={field.min} max={field.max} step={field.step} decimals={field.decimals} onChange={(next) => set(field.path, next)} />;
      case 'select':
        return <SelectField key={field.path} {...common} value={value as string} options={field.options} onChange={(next) => set(field.path, next)} />;
      case 'switch':
        return <SwitchField key={field.path} {...common} checked={value as boolean} onChange={(next) => set(field.path, next)} />;
      case 'modules':
        return null;
    }
  };
  const simple = TRAIN_FIELD_GROUPS.flatMap((group) => group.fields.filter((field) => field.simple));
  return (
    <Card
      title="Settings"
      aside={
        <>
          {differences.length > 0 ? <Badge tone="accent">{differences.length} non-default</Badge> : <Badge>Defaults</Badge>}
          <Button size="s" variant="quiet" disabled={differences.length === 0} onClick={() => studio.edit('train', { config: defaultTrainConfig })}>
            Reset to defaults
          </Button>
        </>
      }
    >
      <div className={styles.fields}>{simple.map(show)}</div>
      <div>
        <Button size="s" aria-expanded={advanced} aria-controls="advanced-settings" onClick={() => studio.edit('train', { advanced: !advanced })}>
          {advanced ? 'Fewer settings' : 'All settings'}
        </Button>
      </div>
      <div id="advanced-settings" hidden={!advanced} className={styles.advanced}>
        {advanced &&
          TRAIN_FIELD_GROUPS.filter((group) => group.title !== METHOD_GROUP).map((group) => ({ ...group, fields: group.fields.filter((field) => !field.simple) }))
            .filter((group) => group.fields.length > 0)
            .map((group) => (
              <fieldset key={group.title} className={styles.group}>
                <legend>{group.title}</legend>
                <div className={styles.fields}>
                  {group.fields.map(show)}
                  {group.title.startsWith('Evaluation') && (
                    <>
                      <NumberField label="Validation prompts a set" hint="At most this many of each set, spread over intents. 0 takes all; fewer is quicker and less certain." value={validationPerSet} min={0} step={8} onChange={setValidationSize} />
                      <NumberField
                        label="Coherence samples"
                        hint="So many everyday and so many toxic prompts are answered by the base model, to find above which loss an answer is gibberish. Fewer is quicker and less certain. Evaluate uses the same number."
                        value={coherenceSamples}
                        min={8}
                        step={8}
                        onChange={setCoherenceSamples}
                      />
                    </>
                  )}
                </div>
              </fieldset>
            ))}
      </div>
      {problem && <p className={styles.problem}>{problem}</p>}
    </Card>
  );
}

function FieldHelp({ help, before }: { help: string; before: unknown }): ReactNode {
  return (
    <>
      {help}
      {before !== undefined && <span className={styles.changed}> Default {String(before)}.</span>}
    </>
  );
}
