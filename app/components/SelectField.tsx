/** A choice of one from few. */
import { Select } from '@base-ui/react/select';
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
        <Select.Root items={options} value={value} onValueChange={(next) => next !== null && onChange(next as V)} disabled={disabled}>
          <Select.Trigger id={id} aria-labelledby={labelId} aria-describedby={describedBy} className={styles.trigger}>
            <Select.Value />
            <Select.Icon>
              <Icon name="chevron" size={16} />
            </Select.Icon>
          </Select.Trigger>
          <Select.Portal>
            <Select.Positioner className={styles.positioner} sideOffset={4} alignItemWithTrigger={false}>
              <Select.Popup className={styles.popup}>
                <Select.List>
                  {options.map((option) => (
                    <Select.Item key={option.value} value={option.value} className={styles.item}>
                      <Select.ItemIndicator>
                        <Icon name="check" size={14} />
                      </Select.ItemIndicator>
                      <Select.ItemText className={styles.itemText}>{option.label}</Select.ItemText>
                    </Select.Item>
                  ))}
                </Select.List>
              </Select.Popup>
            </Select.Positioner>
          </Select.Portal>
        </Select.Root>
      )}
    </Field>
  );
}
