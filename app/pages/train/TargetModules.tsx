/** Which linear layers get an adapter: all of them, or those ticked. Without a loaded LM their names can be written. */
import { useState, type ReactNode } from 'react';
import { TextField } from '../../components/Field.tsx';
import { SwitchField } from '../../components/SwitchField.tsx';
import type { LoraConfig } from '../../../src/config/lora.ts';
import styles from './train.module.css';

type Targets = LoraConfig['targetModules'];

export interface TargetModulesProps {
  value: Targets;
  /** Names of the loaded LM's layers; empty without one. */
  available: readonly string[];
  onChange(value: Targets): void;
}

export function TargetModules({ value, available, onChange }: TargetModulesProps): ReactNode {
  const all = value === 'all-linear';
  const chosen = all ? [] : value;
  const unknown = chosen.filter((name) => available.length > 0 && !available.some((target) => name === target || name.endsWith(`.${target}`)));
  const toggle = (name: string, on: boolean): void => {
    const next = on ? available.filter((target) => target === name || chosen.includes(target)) : chosen.filter((other) => other !== name);
    // No layer at all trains nothing: the last one stays.
    if (next.length > 0) onChange(next);
  };
  return (
    <fieldset className={styles.targets}>
      <legend>Target modules</legend>
      <SwitchField
        label="All linear layers"
        hint="The usual choice: every linear layer of the blocks, not the head."
        checked={all}
        onChange={(on) => onChange(on ? 'all-linear' : attentionOf(available))}
      />
      {!all && available.length > 0 && (
        <div className={styles.checks}>
          {available.map((name) => (
            <label key={name} className={styles.checkbox}>
              <input type="checkbox" checked={chosen.includes(name)} onChange={(event) => toggle(name, event.target.checked)} />
              <code>{name}</code>
            </label>
          ))}
        </div>
      )}
      {!all && available.length === 0 && <Names key={chosen.join()} names={chosen} onChange={onChange} />}
      {unknown.length > 0 && <p className={styles.problem}>{`The loaded model has no layer called ${unknown.join(', ')}.`}</p>}
    </fieldset>
  );
}

/** Where LoRA began: queries and values, or the layer that makes them all. */
function attentionOf(available: readonly string[]): string[] {
  if (available.length === 0) return ['q_proj', 'v_proj'];
  const found = available.filter((name) => ['q_proj', 'v_proj', 'c_attn', 'query_key_value'].includes(name));
  return found.length > 0 ? found : available.slice(0, 1);
}

/** What is typed becomes a setting on Enter or when the field is left: half a name is no name. */
function Names({ names, onChange }: { names: readonly string[]; onChange(value: string[]): void }): ReactNode {
  const [text, setText] = useState(names.join(', '));
  const commit = (): void => {
    const next = text.split(/[\s,]+/).filter((name) => name !== '');
    if (next.length > 0) onChange(next);
    else setText(names.join(', '));
  };
  return (
    <div onBlur={commit}>
      <TextField label="Names of layers" mono hint="With a comma between, for example q_proj, v_proj. Load a model to choose from its own." value={text} onChange={setText} onEnter={commit} />
    </div>
  );
}
