/** What this page has fetched, and from where: the promise that nothing typed leaves the machine, with what stands behind it. */
import { lazy, Suspense, useState } from 'react';
import { Button } from './components/Button.tsx';
import { formatBytes, formatPlural } from './components/format.ts';
import { Icon } from './components/Icon.tsx';
import styles from './App.module.css';
import { useStudio } from './store/useStudio.ts';

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
  const downloads = useStudio((state) => state.mirror.cache?.models) ?? [];
  const foreign = entries?.filter((entry) => !entry.own).length ?? 0;
  return (
    <>
      <button type="button" className={styles.ledger} onClick={ask}>
        <Icon name="lock" size={14} /> Nothing you type leaves this machine
      </button>
      <Suspense>
        {asked && (
          <Dialog open={entries !== null} onClose={() => setEntries(null)} title="Network ledger" wide description="Every file this page has fetched since it was opened, and every model the engine downloaded because you asked for it. No prompt, response or label is part of any request." actions={<Button onClick={() => setEntries(null)}>Close</Button>}>
            <p className={styles.ledgerSum}>
              {formatPlural(entries?.length ?? 0, 'file')} fetched by this page, {foreign === 0 ? 'all' : `${(entries?.length ?? 0) - foreign}`} from {location.origin}
              {foreign > 0 && `, ${foreign} from elsewhere`}. The page itself is not allowed to reach any other place. The engine’s worker fetches the demo model from here too, and other models from the address you chose, after you agreed; browsers do
              not list those files here.
            </p>
            {downloads.length > 0 && (
              <ul className={styles.ledgerModels}>
                {downloads.map((model) => (
                  <li key={model.key}>
                    {model.name}: {formatBytes(model.cachedBytes)} from {model.source.kind === 'hub' ? 'the Hub' : new URL(model.source.baseUrl).host}
                  </li>
                ))}
              </ul>
            )}
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
