/** A choice of one from two or three, each with a line of explanation: native radio buttons drawn as tiles. */
import { useId } from 'react';
import type { ReactNode } from 'react';
import { cx } from './cx.ts';
import styles from './ChoiceField.module.css';

export interface ChoiceFieldProps<V extends string> {
  label: string;
  value: V;
  onChange(value: NoInfer<V>): void;
  options: readonly { value: V; label: ReactNode; hint?: ReactNode; disabled?: boolean }[];
  className?: string;
}

export function ChoiceField<V extends string>({ label, value, onChange, options, className }: ChoiceFieldProps<V>) {
  const name = useId();
  return (
    <fieldset className={cx(styles.choice, className)}>
      <legend className={styles.legend}>{label}</legend>
      <div className={styles.tiles}>
        {options.map((option, index) => (
          <label key={option.value} className={cx(styles.tile, option.value === value && styles.chosen, option.disabled && styles.off)}>
            <input
              type="radio"
              name={name}
              value={option.value}
              checked={option.value === value}
              disabled={option.disabled}
              aria-labelledby={`${name}-${index}`}
              aria-describedby={option.hint ? `${name}-${index}-hint` : undefined}
              onChange={() => onChange(option.value)}
            />
            <span className={styles.words}>
              <span id={`${name}-${index}`} className={styles.name}>
                {option.label}
              </span>
              {option.hint && (
                <span id={`${name}-${index}-hint`} className={styles.hint}>
                  {option.hint}
                </span>
              )}
            </span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
