/** Tabs over Base UI: roving focus, arrow keys. Panels are rendered by the caller through `tabs[].content`. */
import { Tabs as Base } from '@base-ui/react/tabs';
import type { ReactNode } from 'react';
import styles from './Tabs.module.css';

export interface Tab<V extends string> {
  value: V;
  label: ReactNode;
  content: ReactNode;
}

export function Tabs<V extends string>({ value, onChange, tabs, label }: { value: V; onChange(value: NoInfer<V>): void; tabs: readonly Tab<V>[]; label: string }) {
  return (
    <Base.Root value={value} onValueChange={(next) => onChange(next as V)}>
      <Base.List className={styles.list} aria-label={label}>
        {tabs.map((tab) => (
          <Base.Tab key={tab.value} value={tab.value} className={styles.tab}>
            {tab.label}
          </Base.Tab>
        ))}
      </Base.List>
      {tabs.map((tab) => (
        <Base.Panel key={tab.value} value={tab.value} className={styles.panel}>
          {tab.content}
        </Base.Panel>
      ))}
    </Base.Root>
  );
}
