/** Where downloaded models lie on disk, for commands: the place of this system's caches, or the one that is named. */
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { createModelCache, type ModelCache } from '../src/loader/modelCache.ts';
import type { RangeStore } from '../src/loader/rangeStore.ts';
import { createNodeFileStore } from './nodeFileStore.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** $SIDESTEP_CACHE, else $XDG_CACHE_HOME/sidestep, else ~/.cache/sidestep; absolute. */
export function modelCacheFolder(environment: Environment = process.env): string {
  const { SIDESTEP_CACHE: named, XDG_CACHE_HOME: caches } = environment;
  return resolve(named || join(caches || join(homedir(), '.cache'), 'sidestep'));
}

/** The store below that folder; nothing is made before something is downloaded. */
export const openModelFiles = (environment?: Environment): RangeStore => createNodeFileStore(modelCacheFolder(environment));

/** The cache by itself, for commands that need no engine. */
export const openModelCache = (environment?: Environment): ModelCache => createModelCache(openModelFiles(environment));
