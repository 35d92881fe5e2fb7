/** The option --tuned: a Hugging Face folder of a full fine-tune, as a run of the loaded model, so that it is judged beside its base. */
import { EngineError } from '../src/base/errors.ts';
import { fromStoredForms } from '../src/config/storedForm.ts';
import { parseTrainConfig } from '../src/config/train.ts';
import { readWeights } from '../src/loader/weightFiles.ts';
import { readTensors } from '../src/loader/storedTensor.ts';
import { writeSafetensors } from '../src/loader/safetensors.ts';
import type { WeightsRef } from '../src/protocol/views.ts';
import { createRunStore } from '../src/worker/runStore.ts';
import { openModelOption } from './modelOption.ts';
import { createNodeFileStore } from './nodeFileStore.ts';
import type { ReadyEngine } from './openEngine.ts';

/**
 * @param engine with the base loaded
 * @param model as --model takes it
 * @throws EngineError bad-file, unsupported if its weights are not of the base's shape
 */
export async function importTunedFolder(engine: ReadyEngine, model: string): Promise<WeightsRef> {
  const { config, id, fingerprint } = engine.model;
  const folder = await openModelOption(model);
  const { tensors } = await readWeights(config, folder).catch((thrown: unknown) => {
    if (thrown instanceof EngineError) throw new EngineError(thrown.code, `${model}: ${thrown.message} It has to be a fine-tune of ${engine.model.name}.`, { cause: thrown });
    throw thrown;
  });
  const store = createRunStore(createNodeFileStore(engine.runsFolder));
  const at = new Date().toISOString();
  const runId = 'tuned';
  await store.writeCheckpoint(runId, 0, writeSafetensors(fromStoredForms(config, await readTensors(tensors)), 'F32', {}));
  await store.writeRecord({
    id: runId, name: model, status: 'completed', modelId: id, baseFingerprint: fingerprint, backend: engine.view.backend, config: parseTrainConfig({}),
    data: { unsafe: 0, everyday: 0, borderline: 0, sha256: '' }, step: 0, bestStep: null, bestReason: null, checkpointSteps: [0], savedStep: null, metrics: [], evaluations: [],
    createdAt: at, updatedAt: at,
  });
  return { kind: 'run', runId, step: 0 };
}
