/** Opens a model folder, checks it, and puts its weights on the device. The model before it is given up only then. */
import { EngineError } from '../../base/errors.ts';
import { countParameters } from '../../config/lmParameters.ts';
import { createLm } from '../../lm/params.ts';
import { filesSource, urlSource } from '../../loader/fetchFolder.ts';
import { openModelFolder } from '../../loader/modelFolder.ts';
import { createTokenizer } from '../../tokenizer/tokenizer.ts';
import { type EngineState, requireBackend } from '../engineState.ts';
import type { JobBody } from '../jobRunner.ts';

export const loadModelJob =
  (state: EngineState): JobBody<'loadModel'> =>
  async ({ source }, control) => {
    const { backend } = requireBackend(state);
    const folderSource = source.kind === 'url' ? urlSource(source.baseUrl, control.signal) : filesSource(source.files);
    const { weights, ...folder } = await openModelFolder(folderSource, ({ loadedBytes, totalBytes }) =>
      control.progress({ phase: 'reading', done: loadedBytes, total: totalBytes ?? loadedBytes, unit: 'bytes', ...(totalBytes === null ? { etaMs: null } : {}) }),
    );
    await control.turn();
    const { config } = folder;
    const tokenizer = createTokenizer({ ...folder, eosTokenIds: config.eosTokenIds });
    if (tokenizer.vocabSize > config.vocabSize)
      throw new EngineError('bad-config', `tokenizer.json has ids up to ${tokenizer.vocabSize - 1}, but the LM knows ${config.vocabSize} tokens. Do tokenizer and weights belong together?`);
    control.progress({ phase: 'placing on the device', done: 0, total: 1, unit: 'files' });
    await control.turn();
    const base = createLm(config, weights);
    try {
      await backend.assertHealthy();
    } catch (thrown) {
      base.dispose();
      throw thrown;
    }
    state.model?.base.dispose();
    state.model = {
      view: {
        id: `${source.name}@${folder.fingerprint.slice(0, 12)}`,
        name: source.name,
        fingerprint: folder.fingerprint,
        config,
        parameterCount: countParameters(config),
        sizeBytes: folder.sizeBytes,
        hasChatTemplate: tokenizer.hasChatTemplate,
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
