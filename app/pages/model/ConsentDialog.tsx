/** Asks before anything large is downloaded: what, how much, from where, under which licence, and whether it fits this device. */
import { useEffect, useState } from 'react';
import { hubEndpoint } from '../../actions/hubAccess.ts';
import { acceptModel, leaveModel } from '../../actions/modelChoice.ts';
import { Badge } from '../../components/Badge.tsx';
import { Button } from '../../components/Button.tsx';
import { Facts } from '../../components/Card.tsx';
import { Dialog } from '../../components/Dialog.tsx';
import { Disclosure } from '../../components/Disclosure.tsx';
import { ErrorNote } from '../../components/ErrorNote.tsx';
import { FitView } from '../../components/FitView.tsx';
import { formatBytes, formatBytesOf, formatCount, formatPlural } from '../../components/format.ts';
import type { ModelSource } from '../../../src/protocol/jobs.ts';
import type { ModelInspection } from '../../../src/protocol/views.ts';
import { nameOfSource, placeOfSource } from '../../store/modelAddress.ts';
import { TokenField } from './HubAccessFields.tsx';
import styles from './chooser.module.css';
import { useToken } from './useModelChoice.ts';

export function ConsentDialog({ open, source, inspection }: { open: boolean; source: ModelSource; inspection: ModelInspection }) {
  const token = useToken();
  const room = useRoom(open);
  const { files, totalBytes, cachedBytes, config, fit, licence, gated, commit } = inspection;
  const missing = totalBytes - cachedBytes;
  const local = source.kind === 'files' || source.kind === 'embedded';
  const place = local ? 'this machine' : placeOfSource(source, hubEndpoint());
  const noRoom = !local && room !== null && missing > room;
  // Config and tokenizer come with the first look; only a part of the weights is a download that was begun.
  const begun = cachedBytes > 0.05 * totalBytes;
  const verb = local ? 'Load' : missing === 0 ? 'Load from this browser' : begun ? `Resume download (${formatBytesOf(cachedBytes, totalBytes)})` : `Download and load (${formatBytes(missing)})`;
  return (
    <Dialog
      open={open}
      onClose={leaveModel}
      wide
      title={`Load ${nameOfSource(source)}?`}
      description={
        local || missing === 0
          ? `Nothing is downloaded: all ${formatBytes(totalBytes)} are here already.`
          : `${formatBytes(missing)} would be downloaded from ${place} and kept in this browser. Requests carry the names of these files${token === '' ? '' : ' and your token'}, and nothing of your prompts or labels.`
      }
      actions={
        <>
          <Button onClick={leaveModel}>Leave it</Button>
          <Button variant={fit.verdict === 'wontFit' ? 'secondary' : 'primary'} disabled={noRoom} onClick={() => void acceptModel()}>
            {verb}
          </Button>
        </>
      }
    >
      <div className={styles.consent}>
        <Facts
          rows={[
            ['From', source.kind === 'hub' ? `${place}, ${source.revision}` : place],
            commit !== null && ['Commit', <code key="c" title={commit}>{commit.slice(0, 12)}</code>],
            ['Licence', licence ?? 'not named'],
            ['Parameters', formatCount(inspection.parameterCount)],
            ['Architecture', `${config.modelType}, ${formatPlural(config.numHiddenLayers, 'layer')} × ${config.hiddenSize}`],
            ['Stored as', inspection.storage.toUpperCase()],
            gated && ['Access', <Badge key="g">gated</Badge>],
          ]}
        />
        {gated && token === '' && <TokenField />}
        {inspection.notice && <ErrorNote tone="accent" title="Good to know">{inspection.notice}</ErrorNote>}
        <section aria-label="Whether it fits this device">
          <FitView fit={fit} method={fit.method === 'lora' ? 'a LoRA adapter' : 'every weight'} />
        </section>
        {fit.verdict === 'wontFit' && <ErrorNote tone="partial" title="With the default settings this device has too little memory">It can be loaded if its weights alone fit. On the Train page a measured step proposes settings that fit; if none do, nothing is lost.</ErrorNote>}
        {noRoom && room !== null && (
          <ErrorNote title="This browser has no room for it">
            {formatBytes(missing)} are needed, and this browser allows {formatBytes(Math.max(0, room))} more. Delete a downloaded model, or free space on the disk.
          </ErrorNote>
        )}
        <Disclosure summary={`${formatPlural(files.length, 'file')}, ${formatBytes(totalBytes)}`}>
          <table className={styles.files}>
            <thead>
              <tr>
                <th scope="col">File</th>
                <th scope="col">Size</th>
              </tr>
            </thead>
            <tbody>
              {files.map((file) => (
                <tr key={file.path}>
                  <td>
                    <code>{file.path}</code>
                  </td>
                  <td>
                    {formatBytes(file.sizeBytes)}
                    {!local && file.cachedBytes > 0 && (file.cachedBytes >= file.sizeBytes ? ', here' : `, ${formatBytes(file.cachedBytes)} here`)}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </Disclosure>
      </div>
    </Dialog>
  );
}

/** Bytes that this browser allows the site beyond what it has; null where it does not tell. */
function useRoom(asked: boolean): number | null {
  const [room, setRoom] = useState<number | null>(null);
  useEffect(() => {
    let current = true;
    if (asked)
      void navigator.storage?.estimate().then(({ quota, usage }) => {
        if (current && quota !== undefined && usage !== undefined) setRoom(quota - usage);
      });
    return () => {
      current = false;
    };
  }, [asked]);
  return room;
}
