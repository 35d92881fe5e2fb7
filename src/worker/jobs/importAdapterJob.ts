/** Keeps a PEFT adapter as a run of the loaded LM. */
import { EngineError } from '../../base/errors.ts';
import type { EngineState } from '../engineState.ts';
import type { JobBody } from '../jobRunner.ts';

export const importAdapterJob =
  (_state: EngineState): JobBody<'importAdapter'> =>
  async () => {
    throw new EngineError('unsupported', 'importAdapter is not part of this version.');
  };
