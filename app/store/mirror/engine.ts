/** Mirror of the compute backend: which one is open, and whether it still lives. */
import type { EngineEvent } from '../../../src/protocol/jobs.ts';
import type { EngineState } from './mirror.ts';

export function reduceEngine(engine: EngineState, event: EngineEvent): EngineState {
  switch (event.type) {
    case 'ready':
      // A fresh worker: whatever backend the last one had is gone.
      return { status: 'ready', storage: event.storage, storageNotice: event.storageNotice ?? null, view: null, memory: null, lostReason: null };
    case 'engineOpened':
      return { ...engine, status: 'ready', view: event.engine, lostReason: null };
    case 'memoryMeasured':
      return { ...engine, memory: event.memory };
    case 'deviceLost':
      return { ...engine, status: 'lost', view: null, lostReason: event.reason };
    case 'engineCrashed':
      return event.respawned ? engine : { ...engine, status: 'crashed', view: null, lostReason: event.failure.message };
    default:
      return engine;
  }
}
