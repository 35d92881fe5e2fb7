/**
 * A backend and a language model by themselves, for commands that compute and need no text: no tokenizer, no runs, no test step.
 * Everything with prompts goes through the engine (openEngine.ts).
 */
import { parseLmConfig } from '../src/config/lm.ts';
import { openBackend } from '../src/device/openDevice.ts';
import { availableThreads } from '../src/kernels/simd/threadPool.ts';
import { registerKernels } from '../src/kernels/registerKernels.ts';
import { createAdapter, withAdapter } from '../src/lm/adapter.ts';
import { loadLm } from '../src/lm/loadLm.ts';
import type { LanguageModel } from '../src/lm/params.ts';
import { EngineError } from '../src/base/errors.ts';
import type { FolderSource } from '../src/loader/folderSource.ts';
import { readWhole } from '../src/loader/modelFile.ts';
import { parseJson } from '../src/loader/parseJson.ts';
import { readPeftAdapter } from '../src/loader/peftAdapter.ts';
import { readWeights } from '../src/loader/weightFiles.ts';
import type { BackendName } from '../src/protocol/views.ts';

const MAX_CONFIG_BYTES = 2 ** 20;

export interface LmToOpen {
  backend: BackendName;
  /** Where WebGPU is, for that backend. */
  gpu?: GPU;
  /** config.json and weights; further files are not looked at. */
  model: FolderSource;
  /** A PEFT folder. */
  adapter?: { folder: FolderSource; strength: number };
}

/**
 * Opens the backend, streams the frozen weights onto it and runs `body`; both are gone when it has ended.
 * @throws EngineError not-found | bad-file | bad-config | unsupported, out-of-memory
 */
export async function withLm<T>({ backend: name, gpu, model, adapter }: LmToOpen, body: (lm: LanguageModel) => Promise<T>): Promise<T> {
  // What is wrong with the files is told before a backend is opened.
  const configFile = await model.open('config.json');
  if (!configFile) throw new EngineError('not-found', 'config.json is missing. Give a Hugging Face folder, with its files at the top.');
  const config = parseLmConfig(parseJson('config.json', await readWhole(configFile, MAX_CONFIG_BYTES)));
  const { tensors } = await readWeights(config, model);
  const peft = adapter ? await readPeftAdapter(adapter.folder, config) : null;
  const backend = await openBackend(name, { allowSoftwareAdapter: true, threads: availableThreads(), ...(gpu ? { gpu } : {}) });
  try {
    registerKernels(name);
    const base = await loadLm(config, tensors, { trainable: false });
    try {
      const lm = peft && adapter ? withAdapter(base, createAdapter(config, peft.config, peft.tensors, adapter.strength)) : base;
      try {
        const result = await body(lm);
        await backend.assertHealthy();
        return result;
      } finally {
        if (lm !== base) lm.dispose();
      }
    } finally {
      base.dispose();
    }
  } finally {
    await backend.close();
  }
}
