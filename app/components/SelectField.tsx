/** A choice of one from few: the browser's own list, which costs nothing to load and suits thumbs and screen readers. */
import { Field } from './Field.tsx';
import type { FieldFrame } from './Field.tsx';
import { Icon } from './Icon.tsx';
import styles from './Field.module.css';

export interface SelectFieldProps<V extends string> extends FieldFrame {
  value: V;
  onChange(value: NoInfer<V>): void;
  options: readonly { value: V; label: string }[];
  disabled?: boolean;
}

export function SelectField<V extends string>({ value, onChange, options, disabled, ...frame }: SelectFieldProps<V>) {
  return (
    <Field {...frame}>
      {({ id, labelId, describedBy }) => (
        <span className={styles.choice}>
          <select
            id={id}
            aria-labelledby={labelId}
            aria-describedby={describedBy}
            className={styles.trigger}
            value={value}
            onChange={(event) => onChange(event.target.value as V)}
            disabled={disabled}
          >
            {options.map((option) => (
              <option key={option.value} value={option.value}>
                {option.label}
              </option>
            ))}
          </select>
          <Icon name="chevron" size={16} />
        </span>
      )}
    </Field>
  );
}
