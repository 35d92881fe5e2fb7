/** A field for the id of any model of the Hub, or any address of a folder; access token and mirror behind one line. */
import { useId, useState, type FormEvent } from 'react';
import { hubEndpoint } from '../../actions/hubAccess.ts';
import { chooseModel } from '../../actions/modelChoice.ts';
import { Button } from '../../components/Button.tsx';
import { Disclosure } from '../../components/Disclosure.tsx';
import { TextField } from '../../components/Field.tsx';
import { parseModelAddress } from '../../store/modelAddress.ts';
import { HubAccessFields } from './HubAccessFields.tsx';
import styles from './chooser.module.css';

export function AddressForm({ disabled }: { disabled: boolean }) {
  const [text, setText] = useState('');
  const [revision, setRevision] = useState('');
  const [problem, setProblem] = useState<string | null>(null);
  const hint = useId();
  const look = (event: FormEvent) => {
    event.preventDefault();
    const parsed = parseModelAddress(text, revision, hubEndpoint());
    setProblem('problem' in parsed ? parsed.problem : null);
    if ('source' in parsed && !disabled) void chooseModel(parsed.source);
  };
  return (
    <form noValidate onSubmit={look} className={styles.form} aria-describedby={hint}>
      <div className={styles.address}>
        <TextField
          className={styles.wide}
          type="url"
          label="Hub id or address"
          hint="owner/name, a page of huggingface.co, or the address of a folder with config.json"
          placeholder="owner/name"
          value={text}
          onChange={(next) => {
            setText(next);
            setProblem(null);
          }}
          error={problem}
        />
        <TextField className={styles.revision} type="url" label="Revision" hint="Branch, tag or commit" placeholder="main" value={revision} onChange={setRevision} />
        <Button type="submit" className={styles.look} disabled={disabled}>
          Look at it
        </Button>
      </div>
      <p id={hint} className="visually-hidden">
        Shows what would be downloaded before anything large is.
      </p>
      <Disclosure summary="Access token and mirror">
        <HubAccessFields />
      </Disclosure>
    </form>
  );
}
