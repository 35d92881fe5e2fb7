/** The access token, kept in memory alone, and another address of the Hub. */
import { hubEndpoint, setHubEndpoint, setToken } from '../../actions/hubAccess.ts';
import { TextField } from '../../components/Field.tsx';
import { HUB_ADDRESS, problemOfEndpoint } from '../../store/modelAddress.ts';
import { useStudio } from '../../store/useStudio.ts';
import styles from './chooser.module.css';
import { useToken } from './useModelChoice.ts';

export function HubAccessFields() {
  const endpoint = useStudio((state) => state.drafts.engine.hubEndpoint);
  return (
    <div className={styles.access}>
      <TokenField />
      <TextField label="Address of the Hub" type="url" hint="For a mirror: https, or http on this machine. Empty is the Hub itself." placeholder={HUB_ADDRESS} value={endpoint} onChange={setHubEndpoint} error={problemOfEndpoint(endpoint)} />
    </div>
  );
}

/** @param props.onEnter with the token as typed */
export function TokenField({ onEnter }: { onEnter?(): void }) {
  const token = useToken();
  return (
    <TextField
      label="Access token"
      type="password"
      hint={`For gated and private models. It stays in this page’s memory: never stored, gone on reload, sent to ${new URL(hubEndpoint()).host} alone.`}
      placeholder="hf_…"
      value={token}
      onChange={setToken}
      onEnter={onEnter}
    />
  );
}
