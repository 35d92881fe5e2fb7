/** The curated data sets, one file each: how many rows, what a row is, a look at the first ones. */
import { useMemo, type ReactNode } from 'react';
import { buildDatasets, saveDatasets, saveFile } from '../../actions/exportFiles.ts';
import { Button } from '../../components/Button.tsx';
import { Card } from '../../components/Card.tsx';
import { ContentShield } from '../../components/ContentShield.tsx';
import { Disclosure } from '../../components/Disclosure.tsx';
import { ErrorNote } from '../../components/ErrorNote.tsx';
import { formatBytes, formatPlural } from '../../components/format.ts';
import { toFailure } from '../../../src/base/errors.ts';
import type { DatasetFile } from '../../../src/records/exportDatasets.ts';
import { toHash } from '../../store/route.ts';
import { useStudio } from '../../store/useStudio.ts';
import styles from './export.module.css';

/** Rows shown of each file. */
const PREVIEW_ROWS = 3;

const TITLES: Record<string, string> = {
  'unpaired_preference.jsonl': 'Labels',
  'preference.jsonl': 'Preference pairs',
  'sft.jsonl': 'SFT messages',
  'records.jsonl': 'Full records',
};
/** What fills an empty file. */
const WAYS: Record<string, string> = {
  'unpaired_preference.jsonl': 'Label responses safe or unsafe on the Curate page.',
  'preference.jsonl': 'Write a safe answer to an unsafe response on the Curate page (E): it becomes chosen, the original rejected.',
  'sft.jsonl': 'Label responses safe, or edit them, on the Curate page.',
  'records.jsonl': 'Add prompts on the Prompts page.',
};

export function DatasetCard(): ReactNode {
  const project = useStudio((state) => state.project);
  const built = useMemo((): { files: DatasetFile[]; problem: string | null } => {
    try {
      return { files: buildDatasets(project), problem: null };
    } catch (thrown) {
      return { files: [], problem: toFailure(thrown).message };
    }
  }, [project]);
  const filled = built.files.filter((file) => file.rows > 0);
  return (
    <Card
      title="Curated data sets"
      hint="JSON Lines, in the field names of TRL."
      aside={
        filled.length > 1 && (
          <Button size="s" onClick={() => void saveDatasets(filled)}>
            Save all as zip
          </Button>
        )
      }
    >
      {built.problem && <ErrorNote title="The data sets cannot be written">{built.problem}</ErrorNote>}
      <ul className={styles.datasets}>
        {built.files.map((file) => (
          <li key={file.path} className={styles.dataset}>
            <div className={styles.datasetHead}>
              <div className={styles.datasetWords}>
                <h3>{TITLES[file.path] ?? file.path}</h3>
                <p className={styles.quiet}>
                  <code>{file.path}</code> · {formatPlural(file.rows, 'row')}
                  {file.rows > 0 && ` · ${formatBytes(new TextEncoder().encode(file.text).byteLength)}`}
                </p>
                <p className={styles.quiet}>{file.description}</p>
              </div>
              <Button size="s" disabled={file.rows === 0} aria-label={`Save ${file.path}`} onClick={() => saveFile(file.path, file.text, 'application/jsonl')}>
                Save
              </Button>
            </div>
            {file.rows === 0 ? (
              <p className={styles.quiet}>
                Empty. {WAYS[file.path]} <a href={toHash(file.path === 'records.jsonl' ? 'prompts' : 'curate')}>Go there</a>
              </p>
            ) : (
              <Disclosure summary={`First ${Math.min(PREVIEW_ROWS, file.rows)} of ${formatPlural(file.rows, 'row')}`}>
                <ContentShield key={file.text} what="rows">
                  <pre className={styles.preview}>{file.text.split('\n').slice(0, PREVIEW_ROWS).join('\n')}</pre>
                </ContentShield>
              </Disclosure>
            )}
          </li>
        ))}
      </ul>
    </Card>
  );
}
