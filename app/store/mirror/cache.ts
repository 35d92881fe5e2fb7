/** Mirror of the cache of downloaded models: as the last job that listed it said. */
import type { EngineEvent } from '../../../src/protocol/jobs.ts';
import type { ModelCacheView } from '../../../src/protocol/views.ts';

export function reduceCache(cache: ModelCacheView | null, event: EngineEvent): ModelCacheView | null {
  if (event.type !== 'done') return cache;
  if (event.name === 'listModels' || event.name === 'deleteModel') return event.result;
  return event.name === 'verifyModel' ? event.result.cache : cache;
}
