/** Settings of the studio itself: theme, blurring, the person's data. Settings of the work live on its pages. */
import { useState } from 'react';
import { deleteEverything } from './actions/deleteEverything.ts';
import { setShield, setTheme } from './actions/preferences.ts';
import { Button } from './components/Button.tsx';
import { Dialog } from './components/Dialog.tsx';
import { SelectField } from './components/SelectField.tsx';
import { SwitchField } from './components/SwitchField.tsx';
import styles from './App.module.css';
import { useStudio } from './store/useStudio.ts';

const THEMES = [
  { value: 'system', label: 'As the system' },
  { value: 'light', label: 'Light' },
  { value: 'dark', label: 'Dark' },
] as const;

export function SettingsDialog({ open, onClose }: { open: boolean; onClose(): void }) {
  const preferences = useStudio((state) => state.drafts.preferences);
  const storage = useStudio((state) => state.mirror.engine.storage);
  const [asking, setAsking] = useState(false);
  return (
    <Dialog open={open} onClose={onClose} title="Settings">
      <div className={styles.settings}>
        <SelectField label="Theme" value={preferences.theme} onChange={setTheme} options={THEMES} />
        <SwitchField label="Blur text that may be toxic" hint="Until you reveal it. Hold B to see all of it for a moment." checked={preferences.shield} onChange={(shield) => setShield({ shield })} />
        <SwitchField label="Presenter mode" hint="Blurs every prompt and response; nothing stays revealed. For projectors and shared screens." checked={preferences.presenter} onChange={(presenter) => setShield({ presenter })} />
        <div className={styles.dangerRow}>
          <p>
            Your prompts, responses, labels and settings are kept in this browser alone.
            {storage === 'memory' && ' This browser refuses file storage: runs and checkpoints live until the tab is closed.'}
          </p>
          {asking ? (
            <div className={styles.toolRow}>
              <Button variant="danger" onClick={() => void deleteEverything()}>
                Yes, delete it all
              </Button>
              <Button onClick={() => setAsking(false)}>Keep it</Button>
            </div>
          ) : (
            <Button variant="danger" onClick={() => setAsking(true)}>
              Delete everything…
            </Button>
          )}
        </div>
      </div>
    </Dialog>
  );
}
