/** Mirror of the loaded language model. */
import type { EngineEvent } from '../../../src/protocol/jobs.ts';
import type { ModelView } from '../../../src/protocol/views.ts';

export function reduceModel(model: ModelView | null, event: EngineEvent): ModelView | null {
  switch (event.type) {
    case 'ready':
    case 'deviceLost':
    case 'modelUnloaded':
      return null;
    case 'modelLoaded':
      return event.model;
    default:
      return model;
  }
}
