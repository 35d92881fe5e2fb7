/** The cache of downloaded models: list, delete, verify and repair. */
import { EngineError } from '../../base/errors.ts';
import type { EngineState } from '../engineState.ts';
import type { JobBody } from '../jobRunner.ts';

export const listModelsJob =
  (_state: EngineState): JobBody<'listModels'> =>
  async () => {
    throw new EngineError('unsupported', 'listModels is not part of this version.');
  };

export const deleteModelJob =
  (_state: EngineState): JobBody<'deleteModel'> =>
  async () => {
    throw new EngineError('unsupported', 'deleteModel is not part of this version.');
  };

export const verifyModelJob =
  (_state: EngineState): JobBody<'verifyModel'> =>
  async () => {
    throw new EngineError('unsupported', 'verifyModel is not part of this version.');
  };
