/** Import with a preview: paste, drop or choose a file; pick the column, set and split; see errors by row; then add. */
import { useEffect, useState } from 'react';
import { toFailure } from '../../../src/base/errors.ts';
import type { ImportResult } from '../../../src/records/importResult.ts';
import type { PromptSet, Split } from '../../../src/records/prompt.ts';
import { importPromptFile, previewImport } from '../../actions/prompts.ts';
import { Badge } from '../../components/Badge.tsx';
import { Button } from '../../components/Button.tsx';
import { Card } from '../../components/Card.tsx';
import { ContentShield } from '../../components/ContentShield.tsx';
import { ErrorNote } from '../../components/ErrorNote.tsx';
import { TextField } from '../../components/Field.tsx';
import { FileDrop } from '../../components/FileDrop.tsx';
import { formatPlural } from '../../components/format.ts';
import { SelectField } from '../../components/SelectField.tsx';
import { useStudio } from '../../store/useStudio.ts';
import { ImportErrors } from './ImportErrors.tsx';
import styles from './PromptsPage.module.css';
import { SETS, SPLITS } from './promptWords.ts';

interface Source {
  fileName: string;
  bytes: Uint8Array | string;
}

const SHOWN = 6;

const FORMATS = [
  { value: '', label: 'Detect' },
  { value: 'txt', label: 'One prompt a line' },
  { value: 'csv', label: 'CSV' },
  { value: 'tsv', label: 'TSV' },
  { value: 'json', label: 'JSON' },
  { value: 'jsonl', label: 'JSONL' },
] as const;

/** @param collapsible shows only a button until it is wanted */
export function ImportCard({ collapsible }: { collapsible: boolean }) {
  const [wanted, setWanted] = useState(false);
  const [pasted, setPasted] = useState('');
  /** Files still to be looked at; the first is in preview. */
  const [sources, setSources] = useState<readonly Source[]>([]);
  const takeFiles = async (files: File[]) => {
    const read = await Promise.all(files.map(async (file) => ({ fileName: file.name, bytes: new Uint8Array(await file.arrayBuffer()) })));
    setSources((before) => [...before, ...read]);
  };
  const source = sources[0];
  const open = !collapsible || wanted || source !== undefined;
  return (
    <Card title="Add your own" hint="txt (one prompt a line), csv, tsv, json or jsonl, and full records exported here. Duplicates are left out, bad rows are listed and stop nothing." aside={collapsible && <Button aria-expanded={open} onClick={() => setWanted(!wanted)}>Import…</Button>}>
      {!open ? null : source ? (
        <Preview
          key={`${source.fileName}-${sources.length}`}
          source={source}
          more={sources.length - 1}
          onEnd={(imported) => {
            setSources((before) => before.slice(1));
            if (imported && source.fileName === PASTED) setPasted('');
          }}
        />
      ) : (
        <>
          <FileDrop label="Drop files here." button="Choose files" accept=".txt,.csv,.tsv,.json,.jsonl,.ndjson,text/*,application/json" multiple onFiles={(files) => void takeFiles(files)} />
          <TextField label="Or paste" hint="One prompt a line, or the contents of any of these formats." rows={4} mono value={pasted} onChange={setPasted} />
          <div>
            <Button disabled={pasted.trim() === ''} onClick={() => setSources([{ fileName: PASTED, bytes: pasted }])}>
              Preview
            </Button>
          </div>
        </>
      )}
    </Card>
  );
}

const PASTED = 'pasted text';

function Preview({ source, more, onEnd }: { source: Source; more: number; onEnd(imported: boolean): void }) {
  const existing = useStudio((state) => state.project.prompts);
  const [column, setColumn] = useState<string | undefined>(undefined);
  const [format, setFormat] = useState<(typeof FORMATS)[number]['value']>('');
  const [set, setSet] = useState<PromptSet>('harmful');
  const [split, setSplit] = useState<Split>('curate');
  const [result, setResult] = useState<ImportResult | null>(null);
  const [failure, setFailure] = useState<string | null>(null);

  useEffect(() => {
    let current = true;
    // The importer goes by the ending of the name: a chosen format is one.
    previewImport(format === '' ? source.fileName : `${source.fileName}.${format}`, source.bytes, { column, set, split }).then(
      (next) => {
        if (!current) return;
        setResult(next);
        setFailure(null);
      },
      (thrown: unknown) => {
        if (!current) return;
        setResult(null);
        setFailure(toFailure(thrown).message);
      },
    );
    return () => {
      current = false;
    };
  }, [source, format, column, set, split, existing]);

  const name = source.fileName === PASTED ? 'the pasted text' : source.fileName;
  return (
    <div className={styles.preview}>
      <p>
        Preview of <strong>{name}</strong>
        {more > 0 && <span className={styles.what}> {formatPlural(more, 'more file')} after this one</span>}
      </p>
      {failure && <ErrorNote title={`${source.fileName} cannot be read`}>{failure}</ErrorNote>}
      {result && (
        <>
          <div className={styles.options}>
            {result.format !== 'records' && (
              <SelectField
                label="Format"
                hint={format === '' ? `Detected: ${result.format}` : undefined}
                value={format}
                onChange={(next) => {
                  setFormat(next);
                  setColumn(undefined);
                }}
                options={FORMATS}
              />
            )}
            {result.columns.length > 1 && result.format !== 'records' && (
              <SelectField label="Column with the prompts" value={result.column ?? ''} onChange={setColumn} options={[...(result.column === null ? [{ value: '', label: 'Choose a column' }] : []), ...result.columns.map((value) => ({ value, label: value }))]} />
            )}
            {result.format !== 'records' && (
              <>
                <SelectField label="Set" hint="For rows that do not say." value={set} onChange={setSet} options={SETS} />
                <SelectField label="Split" hint="For rows that do not say." value={split} onChange={setSplit} options={SPLITS} />
              </>
            )}
          </div>
          <p className={styles.sums}>
            <Badge>{result.format === 'records' ? 'full records' : result.format}</Badge>
            <span>{formatPlural(result.rowsRead, 'row')} read</span>
            <Badge tone="safe">{result.kept} new</Badge>
            <Badge tone={result.duplicates > 0 ? 'partial' : 'neutral'}>{formatPlural(result.duplicates, 'duplicate')}</Badge>
            <Badge tone={result.errors.length > 0 ? 'unsafe' : 'neutral'}>{formatPlural(result.errors.length, 'error')}</Badge>
            {result.responses.length > 0 && <span>with {formatPlural(result.responses.length, 'response')} and {formatPlural(result.curations.length, 'label')}</span>}
          </p>
          {result.prompts.length > 0 && (
            <ol className={styles.sample} aria-label="First prompts">
              {result.prompts.slice(0, SHOWN).map((prompt) => (
                <li key={prompt.id}>
                  <ContentShield quiet sensitive={prompt.set === 'harmful'} what="prompt">
                    {prompt.text}
                  </ContentShield>
                </li>
              ))}
            </ol>
          )}
          {result.prompts.length > SHOWN && <p className={styles.what}>and {result.prompts.length - SHOWN} more</p>}
          <ImportErrors errors={result.errors} />
        </>
      )}
      <div className={styles.buttons}>
        <Button
          variant="primary"
          disabled={!result || result.kept + result.responses.length === 0}
          onClick={() => {
            if (result) importPromptFile(result);
            onEnd(true);
          }}
        >
          Add {result ? formatPlural(result.kept, 'prompt') : ''}
        </Button>
        <Button onClick={() => onEnd(false)}>Leave it</Button>
      </div>
    </div>
  );
}
