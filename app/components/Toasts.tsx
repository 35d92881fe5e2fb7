/** Passing notices in a corner, over Base UI's toast: announced politely, dismissable, swipeable. The list lives in the store. */
import { Toast } from '@base-ui/react/toast';
import { useEffect, useRef } from 'react';
import { Button } from './Button.tsx';
import { cx } from './cx.ts';
import { Icon } from './Icon.tsx';
import styles from './Toasts.module.css';

export interface ToastItem {
  id: string;
  title: string;
  detail?: string;
  tone: 'neutral' | 'safe' | 'unsafe';
  /** A button on the notice. */
  action?: { label: string; run(): void };
}

export function Toasts({ items, onClose }: { items: readonly ToastItem[]; onClose(id: string): void }) {
  return (
    <Toast.Provider limit={3}>
      <ToastFeed items={items} onClose={onClose} />
    </Toast.Provider>
  );
}

function ToastFeed({ items, onClose }: { items: readonly ToastItem[]; onClose(id: string): void }) {
  const manager = Toast.useToastManager();
  const shown = useRef(new Set<string>());
  useEffect(() => {
    for (const item of items) {
      if (shown.current.has(item.id)) continue;
      shown.current.add(item.id);
      manager.add({
        id: item.id,
        title: item.title,
        description: item.detail,
        // Errors stay until read.
        timeout: item.tone === 'unsafe' ? 0 : 6000,
        priority: item.tone === 'unsafe' ? 'high' : 'low',
        data: item,
        onClose: () => onClose(item.id),
      });
    }
  }, [items, manager, onClose]);
  return (
    <Toast.Portal>
      <Toast.Viewport className={styles.viewport}>
        {manager.toasts.map((toast) => {
          const item = toast.data as ToastItem | undefined;
          return (
            <Toast.Root key={toast.id} toast={toast} className={cx(styles.toast, item && styles[item.tone])}>
              <Toast.Content className={styles.content}>
                <div className={styles.words}>
                  <Toast.Title className={styles.title} />
                  <Toast.Description className={styles.detail} />
                </div>
                {item?.action && (
                  <Button
                    size="s"
                    onClick={() => {
                      item.action?.run();
                      manager.close(toast.id);
                    }}
                  >
                    {item.action.label}
                  </Button>
                )}
                <Toast.Close render={<Button variant="quiet" size="s" aria-label="Dismiss" icon={<Icon name="close" size={14} />} />} />
              </Toast.Content>
            </Toast.Root>
          );
        })}
      </Toast.Viewport>
    </Toast.Portal>
  );
}
