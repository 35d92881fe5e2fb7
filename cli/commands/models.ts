/** `models`: the cache of downloaded models. */
import { formatBytes } from '../../src/config/fit.ts';
import type { CacheEntry } from '../../src/loader/modelCache.ts';
import { defaultHttpHost } from '../../src/loader/http.ts';
import { HUB_ENDPOINT } from '../../src/loader/hub/hubClient.ts';
import { EngineError } from '../../src/base/errors.ts';
import type { Command } from '../command.ts';
import { modelCacheFolder, openModelCache } from '../modelCacheFolder.ts';
import { toHubAccess } from '../modelOption.ts';
import { UsageError } from '../options.ts';

function formatEntry({ key, manifest: { name, licence, lastUsedAt }, isComplete, totalBytes, cachedBytes }: CacheEntry): string {
  const size = isComplete ? formatBytes(totalBytes) : `${formatBytes(cachedBytes)} of ${formatBytes(totalBytes)}`;
  return `${name}  ${size}  ${licence ?? 'licence not told'}  last used ${lastUsedAt.slice(0, 10)}  ${key}\n`;
}

export const modelsCommand: Command = {
  usage: 'models [--delete NAME | --verify NAME [--repair]]',
  about:
    'Lists the downloaded models, deletes one, or hashes its files again; with --repair bad files are downloaded once more.\n' +
    'They lie in $SIDESTEP_CACHE, else $XDG_CACHE_HOME/sidestep, else ~/.cache/sidestep. NAME is a model\'s name or key as listed.',
  options: {
    delete: { value: 'NAME', description: 'delete this model' },
    verify: { value: 'NAME', description: 'check the files of this model' },
    repair: { description: 'download bad files once more' },
  },
  async run(values) {
    if (values.delete !== undefined && values.verify !== undefined) throw new UsageError('Give either --delete or --verify, not both.');
    if (values.repair !== undefined && values.verify === undefined) throw new UsageError('--repair needs --verify NAME.');
    const cache = openModelCache();
    const entries = await cache.list();
    const wanted = values.delete ?? values.verify;
    if (wanted === undefined) {
      process.stdout.write(entries.length === 0 ? `No models in ${modelCacheFolder()}.\n` : entries.map(formatEntry).join(''));
      return;
    }
    const found = entries.filter(({ key, manifest }) => key === wanted || manifest.name === wanted);
    if (found.length === 0) throw new EngineError('not-found', `There is no model "${wanted}" in ${modelCacheFolder()}.`);
    if (found.length > 1) throw new UsageError(`There are ${found.length} copies of "${wanted}"; name one by its key: ${found.map(({ key }) => key).join(', ')}.`);
    const { key } = found[0] as CacheEntry;
    if (values.delete !== undefined) {
      await cache.delete(key);
      process.stdout.write(`${wanted} is deleted.\n`);
      return;
    }
    const { endpoint = HUB_ENDPOINT, token = null } = toHubAccess(process.env);
    const { badFiles, repairedFiles } = await cache.verify(key, values.repair !== undefined, { access: { endpoint, token, host: defaultHttpHost }, signal: new AbortController().signal });
    const bad = badFiles.filter((path) => !repairedFiles.includes(path));
    process.stdout.write(badFiles.length === 0 ? `All files of ${wanted} are as they should be.\n` : `Bad: ${badFiles.join(', ')}.${repairedFiles.length > 0 ? ` Downloaded once more: ${repairedFiles.join(', ')}.` : ''}\n`);
    if (bad.length > 0) throw new EngineError('bad-file', `${wanted} has bad files: ${bad.join(', ')}. Use --repair, or delete it.`);
  },
};
