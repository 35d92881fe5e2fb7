/** A setting that is on or off and takes effect at once. */
import { Switch } from '@base-ui/react/switch';
import { useId } from 'react';
import type { ReactNode } from 'react';
import styles from './Field.module.css';

export interface SwitchFieldProps {
  label: ReactNode;
  hint?: ReactNode;
  checked: boolean;
  onChange(checked: boolean): void;
  disabled?: boolean;
}

export function SwitchField({ label, hint, checked, onChange, disabled }: SwitchFieldProps) {
  const id = useId();
  return (
    <div className={styles.switchRow}>
      <Switch.Root className={styles.switch} checked={checked} onCheckedChange={onChange} disabled={disabled} aria-labelledby={`${id}-label`} aria-describedby={hint ? `${id}-hint` : undefined}>
        <Switch.Thumb className={styles.switchThumb} />
      </Switch.Root>
      <div className={styles.switchWords} onClick={() => !disabled && onChange(!checked)}>
        <span id={`${id}-label`} className={styles.label}>
          {label}
        </span>
        {hint && (
          <span id={`${id}-hint`} className={styles.hint}>
            {hint}
          </span>
        )}
      </div>
    </div>
  );
}
