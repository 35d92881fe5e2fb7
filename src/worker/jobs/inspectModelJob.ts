/** Says what a model would take before anything large is downloaded. */
import { EngineError } from '../../base/errors.ts';
import type { EngineState } from '../engineState.ts';
import type { JobBody } from '../jobRunner.ts';

export const inspectModelJob =
  (_state: EngineState): JobBody<'inspectModel'> =>
  async () => {
    throw new EngineError('unsupported', 'inspectModel is not part of this version.');
  };
