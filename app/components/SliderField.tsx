/** A number on a range, with its value written beside the label. */
import { Slider } from '@base-ui/react/slider';
import { useId } from 'react';
import type { FieldFrame } from './Field.tsx';
import styles from './Field.module.css';

export interface SliderFieldProps extends FieldFrame {
  value: number;
  onChange(value: number): void;
  min: number;
  max: number;
  step: number;
  format?: (value: number) => string;
  disabled?: boolean;
}

export function SliderField({ label, hint, value, onChange, min, max, step, format = String, disabled, className }: SliderFieldProps) {
  const id = useId();
  return (
    <Slider.Root className={className ?? styles.field} value={value} min={min} max={max} step={step} disabled={disabled} onValueChange={(next) => onChange(Number(next))}>
      <div className={styles.sliderHead}>
        <span id={id} className={styles.label}>
          {label}
        </span>
        <span className={styles.sliderValue}>{format(value)}</span>
      </div>
      <Slider.Control className={styles.sliderControl}>
        <Slider.Track className={styles.sliderTrack}>
          <Slider.Indicator className={styles.sliderIndicator} />
          <Slider.Thumb aria-labelledby={id} className={styles.sliderThumb} />
        </Slider.Track>
      </Slider.Control>
      {hint && <p className={styles.hint}>{hint}</p>}
    </Slider.Root>
  );
}
