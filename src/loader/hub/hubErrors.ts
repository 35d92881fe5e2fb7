/** What a refusal of the Hugging Face Hub means, in words that say what to do. The token is never part of them. */
import { EngineError } from '../../base/errors.ts';
import { toStatusError } from '../http.ts';

export interface HubContext {
  endpoint: string;
  id: string;
  revision: string;
  /** The file asked for; null for the model as a whole. */
  path: string | null;
  hasToken: boolean;
}

/**
 * After the rules of huggingface_hub: X-Error-Code names the case; a 401 without one means "missing or private".
 * @see https://github.com/huggingface/huggingface_hub (utils/_http.py, hf_raise_for_status)
 */
export function toHubError(response: Response, { endpoint, id, revision, path, hasToken }: HubContext): EngineError {
  const code = response.headers.get('x-error-code');
  const message = response.headers.get('x-error-message') ?? '';
  const page = `${endpoint}/${id}`;
  if (code === 'GatedRepo' || (response.status === 403 && /gated|restricted|authorized list|awaiting/i.test(message)))
    return new EngineError(
      'access',
      hasToken
        ? `${id} is gated, and the account of this access token may not read it yet. Accept its licence at ${page}; if the authors approve by hand, wait for them. A fine-grained token also needs the right to read gated models.`
        : `${id} is gated: accept its licence at ${page}, then give an access token of that account (made at ${endpoint}/settings/tokens).`,
    );
  if (code === 'RevisionNotFound') return new EngineError('not-found', `${id} has no revision "${revision}". Give a branch, a tag or a commit that ${page} lists.`);
  if (code === 'EntryNotFound') return new EngineError('not-found', `${id} has no file "${path ?? ''}" at revision ${revision}.`);
  if (/resource is disabled/i.test(message)) return new EngineError('access', `${id} was disabled on the Hub. ${page} may say why.`);
  if (hasToken && (response.status === 401 || /invalid credentials|token.*(expired|invalid)/i.test(message)))
    return new EngineError('access', `The access token was refused. Make a new one at ${endpoint}/settings/tokens and give it again.`);
  if (code === 'RepoNotFound' || response.status === 401 || (response.status === 404 && path === null))
    return new EngineError('not-found', `There is no model "${id}" at ${endpoint}, or it is private. Check the spelling (owner/name); a private model needs an access token${hasToken ? ' that may read it' : ''}.`);
  if (response.status === 403) return new EngineError('access', `${id}: access refused (status 403${message ? `: ${message}` : ''}).${hasToken ? ' May this access token read this model?' : ' Does it need an access token?'}`);
  return toStatusError(path === null ? page : `${page} (${path})`, response);
}
