/** What this page has fetched, and from where: the promise that nothing typed leaves the machine, with what stands behind it. */
import { lazy, Suspense, useState } from 'react';
import { Button } from './components/Button.tsx';
import { formatBytes, formatPlural } from './components/format.ts';
import { Icon } from './components/Icon.tsx';
import styles from './App.module.css';

const Dialog = lazy(async () => ({ default: (await import('./components/Dialog.tsx')).Dialog }));

interface Fetched {
  address: string;
  own: boolean;
  sizeBytes: number;
}

export function LedgerLine() {
  const [entries, setEntries] = useState<Fetched[] | null>(null);
  const [asked, setAsked] = useState(false);
  const ask = () => {
    setAsked(true);
    setEntries(listFetched());
  };
  const foreign = entries?.filter((entry) => !entry.own).length ?? 0;
  return (
    <>
      <button type="button" className={styles.ledger} onClick={ask}>
        <Icon name="lock" size={14} /> Nothing you type leaves this machine
      </button>
      <Suspense>
        {asked && (
          <Dialog open={entries !== null} onClose={() => setEntries(null)} title="Network ledger" wide description="Every file this page has fetched since it was opened. The studio sends requests for its own files and nothing else: no prompt, response or label is part of any request." actions={<Button onClick={() => setEntries(null)}>Close</Button>}>
            <p className={styles.ledgerSum}>
              {formatPlural(entries?.length ?? 0, 'file')} fetched by this page, {foreign === 0 ? 'all' : `${(entries?.length ?? 0) - foreign}`} from {location.origin}
              {foreign > 0 && `, ${foreign} from elsewhere`}. The engine's worker fetches the model's files from the same place; browsers do not list those here.
            </p>
            <table>
              <thead>
                <tr>
                  <th>File</th>
                  <th>Size</th>
                </tr>
              </thead>
              <tbody>
                {entries?.map((entry, index) => (
                  <tr key={index}>
                    <td className={styles.ledgerFile}>{entry.address}</td>
                    <td>{entry.sizeBytes > 0 ? formatBytes(entry.sizeBytes) : '–'}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </Dialog>
        )}
      </Suspense>
    </>
  );
}

function listFetched(): Fetched[] {
  return (performance.getEntriesByType('resource') as PerformanceResourceTiming[]).map((entry) => {
    const url = new URL(entry.name);
    const own = url.origin === location.origin;
    return { address: own ? url.pathname : entry.name, own, sizeBytes: entry.decodedBodySize };
  });
}
