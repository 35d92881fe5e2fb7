/** Opens a model folder, checks it, and puts its weights on the device. The model before it is given up only then. */
import { EngineError } from '../../base/errors.ts';
import { countParameters } from '../../config/lmParameters.ts';
import { loraTargets } from '../../config/loraModules.ts';
import { loadLm } from '../../lm/loadLm.ts';
import { openModelFolder } from '../../loader/modelFolder.ts';
import { byteLengthOf } from '../../loader/storedTensor.ts';
import { createTokenizer } from '../../tokenizer/tokenizer.ts';
import { type EngineState, requireBackend } from '../engineState.ts';
import type { JobBody } from '../jobRunner.ts';
import { openSource } from '../modelSource.ts';
import { templateViewOf } from './setChatTemplateJob.ts';

/**
 * Up to so many parameters an LM is held in float32 and can be trained whole (weights, gradients and two moments: 512 MB); larger ones are
 * frozen, packed as they are stored, and trained by an adapter.
 */
export const LARGEST_TRAINED_WHOLE = 32e6;

function giveUpModel(state: EngineState): void {
  if (!state.model) return;
  state.model.base.dispose();
  state.model = null;
  state.emit({ type: 'modelUnloaded' });
}

export const loadModelJob =
  (state: EngineState): JobBody<'loadModel'> =>
  async ({ source, access }, control) => {
    const { backend } = requireBackend(state);
    const opened = await openSource(state, source, access, control);
    const { name } = opened;
    const { tensors, ...folder } = await openModelFolder(opened.folder, {
      signal: control.signal,
      onProgress: ({ phase, loadedBytes, totalBytes }) =>
        control.progress({ phase, done: loadedBytes, total: totalBytes ?? loadedBytes, unit: 'bytes', ...(totalBytes === null ? { etaMs: null } : {}) }),
    });
    await control.turn();
    const { config } = folder;
    const tokenizer = createTokenizer({ ...folder, eosTokenIds: config.eosTokenIds, lmVocabSize: config.vocabSize });
    if (tokenizer.vocabSize > config.vocabSize)
      throw new EngineError('bad-config', `tokenizer.json has ids up to ${tokenizer.vocabSize - 1}, but the LM knows ${config.vocabSize} tokens. Do tokenizer and weights belong together?`);
    const parameterCount = countParameters(config);
    const trainable = parameterCount <= LARGEST_TRAINED_WHOLE;
    // Two large LMs at once might be one too many.
    if (!trainable) giveUpModel(state);
    const total = [...tensors.values()].reduce((sum, tensor) => sum + byteLengthOf(tensor), 0);
    control.progress({ phase: 'placing on the device', done: 0, total, unit: 'bytes' });
    await control.turn();
    const base = await loadLm(config, tensors, {
      trainable,
      signal: control.signal,
      onBytes: (done) => control.progress({ phase: 'placing on the device', done, total, unit: 'bytes' }),
    });
    try {
      await backend.assertHealthy();
    } catch (thrown) {
      base.dispose();
      throw thrown;
    }
    giveUpModel(state);
    state.model = {
      view: {
        id: `${name}@${folder.fingerprint.slice(0, 12)}`,
        name,
        fingerprint: folder.fingerprint,
        config,
        parameterCount,
        sizeBytes: folder.sizeBytes,
        hasChatTemplate: tokenizer.hasChatTemplate,
        chatTemplate: templateViewOf(tokenizer),
        storage: base.storage,
        source: opened.view,
        loraTargets: loraTargets(config),
        card: folder.card,
        notice: opened.notice,
      },
      folder,
      dtypes: new Map([...tensors].map(([name, { dtype }]) => [name, dtype])),
      base,
      tokenizer,
      coherence: new Map(),
    };
    backend.trimPool();
    state.emit({ type: 'modelLoaded', model: state.model.view });
    return state.model.view;
  };
