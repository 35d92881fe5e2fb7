/** A number with bounds. Commits on blur, Enter or step; never sends half-typed values. */
import { NumberField as Base } from '@base-ui/react/number-field';
import { Field } from './Field.tsx';
import type { FieldFrame } from './Field.tsx';
import styles from './Field.module.css';

export interface NumberFieldProps extends FieldFrame {
  value: number;
  onChange(value: number): void;
  min?: number;
  max?: number;
  step?: number;
  /** Digits shown after the point; small learning rates need many. */
  decimals?: number;
  disabled?: boolean;
}

export function NumberField({ value, onChange, min, max, step = 1, decimals = 6, disabled, ...frame }: NumberFieldProps) {
  return (
    <Field {...frame}>
      {({ id, describedBy }) => (
        <Base.Root
          id={id}
          value={value}
          min={min}
          max={max}
          step={step}
          disabled={disabled}
          locale="en-GB"
          format={{ maximumFractionDigits: decimals, useGrouping: false }}
          onValueCommitted={(next) => next !== null && next !== value && onChange(next)}
        >
          <Base.Group className={styles.number}>
            <Base.Input className={styles.input} aria-describedby={describedBy} />
            <Base.Decrement className={styles.step} aria-label={`Less: ${String(frame.label)}`}>
              −
            </Base.Decrement>
            <Base.Increment className={styles.step} aria-label={`More: ${String(frame.label)}`}>
              +
            </Base.Increment>
          </Base.Group>
        </Base.Root>
      )}
    </Field>
  );
}
