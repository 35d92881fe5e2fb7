/** From a model source of the protocol to files that can be read. Not for what is in them (loader/modelFolder.ts). */
import { EngineError } from '../base/errors.ts';
import { urlSource } from '../loader/fetchFolder.ts';
import type { FolderSource } from '../loader/folderSource.ts';
import { openGivenFiles } from '../loader/zipFolder.ts';
import type { ModelSource } from '../protocol/jobs.ts';
import type { ModelView } from '../protocol/views.ts';

export interface OpenedSource {
  name: string;
  folder: FolderSource;
  /** What the person is told of it. */
  view: ModelView['source'];
}

/**
 * Opens a source that needs no cache.
 * @throws EngineError unsupported, bad-file, bad-argument
 */
export async function openSource(source: ModelSource, signal: AbortSignal): Promise<OpenedSource> {
  switch (source.kind) {
    case 'embedded':
      return { name: source.name, folder: urlSource(source.baseUrl, signal), view: { kind: 'embedded' } };
    case 'files':
      return { name: source.name, folder: await openGivenFiles(source.files), view: { kind: 'files' } };
    default:
      throw new EngineError('unsupported', `Models cannot be loaded from a ${source.kind} source yet.`);
  }
}
