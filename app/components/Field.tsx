/** The frame of every input: label above, hint and error beneath, tied together for assistive technology. */
import { useId } from 'react';
import type { ReactNode } from 'react';
import { cx } from './cx.ts';
import styles from './Field.module.css';

export interface FieldFrame {
  label: ReactNode;
  hint?: ReactNode;
  error?: string | null;
  className?: string;
}

export interface FieldIds {
  id: string;
  labelId: string;
  describedBy: string | undefined;
}

export function Field({ label, hint, error, className, children }: FieldFrame & { children(ids: FieldIds): ReactNode }) {
  const id = useId();
  const ids: FieldIds = { id, labelId: `${id}-label`, describedBy: hint || error ? `${id}-note` : undefined };
  return (
    <div className={cx(styles.field, className)}>
      <label htmlFor={id} id={ids.labelId} className={styles.label}>
        {label}
      </label>
      {children(ids)}
      {(hint || error) && (
        <p id={ids.describedBy} className={error ? styles.error : styles.hint}>
          {error ?? hint}
        </p>
      )}
    </div>
  );
}

export interface TextFieldProps extends FieldFrame {
  value: string;
  onChange(value: string): void;
  placeholder?: string;
  /** Lines; more than one makes a text area. */
  rows?: number;
  mono?: boolean;
  type?: 'text' | 'search' | 'password' | 'url';
  /** Called on Enter in a single line. */
  onEnter?(): void;
  disabled?: boolean;
}

export function TextField({ value, onChange, placeholder, rows = 1, mono, type = 'text', onEnter, disabled, ...frame }: TextFieldProps) {
  return (
    <Field {...frame}>
      {({ id, describedBy }) =>
        rows > 1 ? (
          <textarea id={id} aria-describedby={describedBy} aria-invalid={Boolean(frame.error)} className={cx(styles.input, styles.area, mono && styles.mono)} rows={rows} value={value} placeholder={placeholder} disabled={disabled} spellCheck={!mono} onChange={(event) => onChange(event.target.value)} />
        ) : (
          <input
            id={id}
            type={type}
            // Secrets and addresses are nobody's to complete or correct.
            {...(type === 'password' || type === 'url' ? { autoComplete: 'off', autoCapitalize: 'off', spellCheck: false } : {})}
            aria-describedby={describedBy}
            aria-invalid={Boolean(frame.error)}
            className={cx(styles.input, mono && styles.mono)}
            value={value}
            placeholder={placeholder}
            disabled={disabled}
            onChange={(event) => onChange(event.target.value)}
            onKeyDown={(event) => {
              if (event.key !== 'Enter' || !onEnter) return;
              event.preventDefault();
              onEnter();
            }}
          />
        )
      }
    </Field>
  );
}
