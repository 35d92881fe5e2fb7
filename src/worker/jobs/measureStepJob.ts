/** Measures one real training step of the loaded LM. */
import { EngineError } from '../../base/errors.ts';
import type { EngineState } from '../engineState.ts';
import type { JobBody } from '../jobRunner.ts';

export const measureStepJob =
  (_state: EngineState): JobBody<'measureStep'> =>
  async () => {
    throw new EngineError('unsupported', 'measureStep is not part of this version.');
  };
