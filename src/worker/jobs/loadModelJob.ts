/** Opens a model folder, checks it, and puts its weights on the device. The model before it is given up only then. */
import { EngineError } from '../../base/errors.ts';
import { countParameters } from '../../config/lmParameters.ts';
import { createLm } from '../../lm/params.ts';
import { openModelFolder } from '../../loader/modelFolder.ts';
import { readTensors } from '../../loader/storedTensor.ts';
import { createTokenizer } from '../../tokenizer/tokenizer.ts';
import { type EngineState, requireBackend } from '../engineState.ts';
import type { JobBody } from '../jobRunner.ts';
import { openSource } from '../modelSource.ts';

export const loadModelJob =
  (state: EngineState): JobBody<'loadModel'> =>
  async ({ source }, control) => {
    const { backend } = requireBackend(state);
    const opened = await openSource(source, control.signal);
    const { name } = opened;
    const { tensors, ...folder } = await openModelFolder(opened.folder, {
      signal: control.signal,
      onProgress: ({ phase, loadedBytes, totalBytes }) =>
        control.progress({ phase, done: loadedBytes, total: totalBytes ?? loadedBytes, unit: 'bytes', ...(totalBytes === null ? { etaMs: null } : {}) }),
    });
    await control.turn();
    const { config } = folder;
    const tokenizer = createTokenizer({ ...folder, eosTokenIds: config.eosTokenIds });
    if (tokenizer.vocabSize > config.vocabSize)
      throw new EngineError('bad-config', `tokenizer.json has ids up to ${tokenizer.vocabSize - 1}, but the LM knows ${config.vocabSize} tokens. Do tokenizer and weights belong together?`);
    control.progress({ phase: 'placing on the device', done: 0, total: 1, unit: 'files' });
    await control.turn();
    const base = createLm(config, await readTensors(tensors));
    try {
      await backend.assertHealthy();
    } catch (thrown) {
      base.dispose();
      throw thrown;
    }
    state.model?.base.dispose();
    state.model = {
      view: {
        id: `${name}@${folder.fingerprint.slice(0, 12)}`,
        name,
        fingerprint: folder.fingerprint,
        config,
        parameterCount: countParameters(config),
        sizeBytes: folder.sizeBytes,
        hasChatTemplate: tokenizer.hasChatTemplate,
        chatTemplate: { source: '', origin: tokenizer.hasChatTemplate ? 'model' : 'instruction' },
        storage: 'f32',
        source: opened.view,
        loraTargets: [],
        card: folder.card,
      },
      folder,
      base,
      tokenizer,
      coherence: new Map(),
    };
    backend.trimPool();
    state.emit({ type: 'modelLoaded', model: state.model.view });
    return state.model.view;
  };
