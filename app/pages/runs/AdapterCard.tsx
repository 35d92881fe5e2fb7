/** Brings a PEFT adapter that was made elsewhere, for the loaded model. */
import { useState, type ReactNode } from 'react';
import { importAdapter } from '../../actions/importAdapter.ts';
import { Card } from '../../components/Card.tsx';
import { ErrorNote } from '../../components/ErrorNote.tsx';
import { FileDrop } from '../../components/FileDrop.tsx';
import { toHash } from '../../store/route.ts';
import styles from './runs.module.css';

export function AdapterCard({ modelName, idle }: { modelName: string | null; idle: boolean }): ReactNode {
  const [problem, setProblem] = useState<string | null>(null);
  const take = async (files: File[]): Promise<void> => {
    setProblem(null);
    const outcome = await importAdapter(files);
    setProblem('problem' in outcome ? outcome.problem : null);
  };
  return (
    <Card title="Load a PEFT adapter" hint={modelName === null ? undefined : `It has to be made for ${modelName}, the loaded model, and appears above as a run.`}>
      {modelName === null ? (
        <p className={styles.quiet}>
          Load its base model first: <a href={toHash('model')}>Go to Model</a>
        </p>
      ) : (
        <FileDrop label="Drop adapter_config.json and adapter_model.safetensors, the folder, or a zip of it. It is read here and sent nowhere." button="Choose adapter files" folderButton="Choose adapter folder" multiple disabled={!idle} onFiles={(files) => void take(files)} />
      )}
      {problem && <ErrorNote title="This adapter cannot be used">{problem}</ErrorNote>}
    </Card>
  );
}
