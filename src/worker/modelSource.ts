/** From a model source of the protocol to files that can be read. Not for what is in them (loader/modelFolder.ts). */
import { EngineError } from '../base/errors.ts';
import { parseLmConfig } from '../config/lm.ts';
import { CONFIG_FILE } from '../loader/chooseFiles.ts';
import { defaultHttpHost } from '../loader/http.ts';
import { urlSource } from '../loader/fetchFolder.ts';
import type { FolderSource } from '../loader/folderSource.ts';
import { HUB_ENDPOINT, type HubAccess } from '../loader/hub/hubClient.ts';
import { toBaseUrl } from '../loader/modelPlan.ts';
import { parseJson } from '../loader/parseJson.ts';
import { openGivenFiles } from '../loader/zipFolder.ts';
import type { HubAccess as GivenAccess, ModelSource } from '../protocol/jobs.ts';
import type { ModelView } from '../protocol/views.ts';
import type { EngineState } from './engineState.ts';
import type { JobControl } from './jobRunner.ts';

export interface OpenedSource {
  name: string;
  folder: FolderSource;
  /** What the person is told of it. */
  view: ModelView['source'];
  /** What the person should know besides; null if nothing. */
  notice: string | null;
}

/**
 * How the Hub is reached in this job. The token goes no further than the requests to the Hub's own origin.
 * @throws EngineError bad-argument if the endpoint is no address
 */
export function toHubAccess(state: EngineState, given: GivenAccess = {}): HubAccess {
  const endpoint = given.endpoint === undefined ? HUB_ENDPOINT : toBaseUrl(given.endpoint).replace(/\/$/, '');
  const token = given.token?.trim() ?? '';
  // Of a token with a line break the header could not be made, and the browser's error would quote it.
  if (!/^[\x21-\x7e]*$/.test(token)) throw new EngineError('access', 'The access token holds characters that no token has. Copy it again.');
  return { endpoint, token: token === '' ? null : token, host: state.host.http ?? defaultHttpHost };
}

/**
 * Opens a source; what has to be downloaded is, with progress.
 * @throws EngineError what the cache, the archive or the network has to say
 */
export async function openSource(state: EngineState, source: ModelSource, given: GivenAccess | undefined, control: JobControl): Promise<OpenedSource> {
  const { signal } = control;
  switch (source.kind) {
    case 'embedded':
      return { name: source.name, folder: urlSource(source.baseUrl, signal), view: { kind: 'embedded' }, notice: null };
    case 'files':
      return { name: source.name, folder: await openGivenFiles(source.files), view: { kind: 'files' }, notice: null };
    default: {
      const access = toHubAccess(state, given);
      control.progress({ phase: 'looking up', done: 0, total: 1, unit: 'files', etaMs: null });
      const model = await state.models.resolve(source, access, signal);
      // An LM that the engine does not have is refused before its weights are fetched.
      parseLmConfig(parseJson(CONFIG_FILE, model.config));
      const folder = await state.models.open(model, {
        access,
        signal,
        onProgress: ({ doneBytes, totalBytes, bytesPerSecond, etaMs }) =>
          control.progress({ phase: 'downloading', done: doneBytes, total: totalBytes, unit: 'bytes', etaMs, ...(bytesPerSecond === null ? {} : { bytesPerSecond }) }),
      });
      const view = model.source.kind === 'hub' ? { kind: 'hub' as const, id: model.source.id, revision: model.revision ?? model.source.commit, commit: model.source.commit } : model.source;
      return { name: model.name, folder, view, notice: model.notice };
    }
  }
}
