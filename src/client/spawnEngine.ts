/** The one place that makes the engine's worker. Not for talking to it: see engineClient. */
import type { EngineWorker } from './engineClient.ts';

/** Starts the engine in a module worker of its own. */
export function spawnEngine(): EngineWorker {
  return new Worker(new URL('../worker/entry.ts', import.meta.url), { type: 'module', name: 'sidestep-engine' });
}
