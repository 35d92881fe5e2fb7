/** Gives the loaded LM another chat template. */
import { EngineError } from '../../base/errors.ts';
import type { EngineState } from '../engineState.ts';
import type { JobBody } from '../jobRunner.ts';

export const setChatTemplateJob =
  (_state: EngineState): JobBody<'setChatTemplate'> =>
  async () => {
    throw new EngineError('unsupported', 'setChatTemplate is not part of this version.');
  };
