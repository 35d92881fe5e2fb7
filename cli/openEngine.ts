/** Opens engine and model for a command, with the WebGPU of this machine where it is wanted and there. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BackendChoice, EngineView, ModelView } from '../src/protocol/views.ts';
import { hasGpuDriver, openNodeGpu } from '../src/testing/nodeGpu.ts';
import type { CliEngine } from './engineSession.ts';
import { toChoice } from './options.ts';
import { readModelFolder } from './project.ts';

export interface ReadyEngine extends CliEngine {
  view: EngineView;
  model: ModelView;
}

/** @throws UsageError */
export function toBackend(text: string | undefined): BackendChoice {
  return text === undefined ? 'auto' : toChoice('backend', text, ['auto', 'webgpu', 'wasm']);
}

/** For 'auto' a software adapter is not worth starting: WebAssembly is faster. */
export async function findGpu(choice: BackendChoice): Promise<GPU | undefined> {
  if (choice === 'wasm' || (choice === 'auto' && !hasGpuDriver())) return undefined;
  return (await openNodeGpu()) ?? undefined;
}

/**
 * Opens the backend and loads the model; runs and checkpoints go to a temporary folder that `body` outlives not.
 * @param modelFolder a Hugging Face folder
 */
export async function withEngine<T>(choice: BackendChoice, modelFolder: string, body: (engine: ReadyEngine) => Promise<T>): Promise<T> {
  const source = await readModelFolder(modelFolder);
  const runsFolder = await mkdtemp(join(tmpdir(), 'sidestep-'));
  try {
    const gpu = await findGpu(choice);
    // Late, so that commands without an engine start at once, and tfjs finds the WebGPU globals.
    const { openCliEngine } = await import('./engineSession.ts');
    const engine = await openCliEngine(gpu ? { runsFolder, gpu } : { runsFolder });
    try {
      const view = await engine.run('openEngine', { backend: choice, allowSoftwareAdapter: choice === 'webgpu' });
      process.stderr.write(`${view.reason}\n`);
      const model = await engine.run('loadModel', { source });
      return await body({ ...engine, view, model });
    } finally {
      await engine.close();
    }
  } finally {
    await rm(runsFolder, { recursive: true, force: true });
  }
}
