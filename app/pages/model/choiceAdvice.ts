/** What to tell a person whose model could not be had: by the failure's code, never by its message. Pure. */
import type { EngineFailure } from '../../../src/base/errors.ts';
import type { ModelSource } from '../../../src/protocol/jobs.ts';
import { nameOfSource } from '../../store/modelAddress.ts';

export interface Advice {
  title: string;
  steps: { text: string; href?: string; link?: string }[];
  /** Offer to try the same again. */
  retry: boolean;
  /** Offer the field for an access token. */
  wantsToken: boolean;
}

export function adviceFor(failure: EngineFailure, source: ModelSource, online: boolean, hub: string): Advice {
  const name = nameOfSource(source);
  const page = source.kind === 'hub' ? `${hub}/${source.id}` : null;
  const plain = { steps: [], retry: false, wantsToken: false };
  switch (failure.code) {
    case 'access':
      return {
        title: `${name} wants an access token`,
        steps: [
          ...(page ? [{ text: 'Licence:', href: page, link: 'page of the model' }] : []),
          { text: 'Token:', href: `${hub}/settings/tokens`, link: 'your access tokens' },
        ],
        retry: true,
        wantsToken: true,
      };
    case 'not-found':
      return {
        ...plain,
        title: `${name} was not found`,
        steps: [{ text: 'Check the spelling and the revision. Names are case sensitive.' }, { text: 'Private models look as if they were not there: give a token that may read it.' }],
        retry: true,
        wantsToken: source.kind === 'hub',
      };
    case 'network':
      return {
        ...plain,
        title: online ? `${name} could not be downloaded` : 'This machine is offline',
        steps: [{ text: online ? 'The server may be busy, or a network filter may refuse it. What has arrived is kept.' : 'Connect, then try again. Models that were downloaded before load without a network.' }],
        retry: true,
      };
    case 'storage':
      return {
        ...plain,
        title: 'This browser has no room for it',
        steps: [{ text: 'Delete a model that you no longer need.', href: '#/model/downloads', link: 'Downloaded models' }, { text: 'Or free space on the disk: the browser allows a share of it. Private windows allow little.' }],
        retry: true,
      };
    case 'out-of-memory':
      return { ...plain, title: `${name} does not fit this device`, steps: [{ text: 'Take a smaller one, or close other tabs that use the GPU.' }], retry: true };
    case 'unsupported':
      return { ...plain, title: `${name} is of a kind that this engine does not run` };
    case 'bad-config':
    case 'bad-file':
      return { ...plain, title: `The files of ${name} cannot be used`, retry: source.kind !== 'files' };
    default:
      return { ...plain, title: `${name} could not be loaded`, retry: true };
  }
}
