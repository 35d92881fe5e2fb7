/** Opens engine and model for a command, with the WebGPU of this machine where it is wanted and there. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BackendChoice, EngineView, ModelView } from '../src/protocol/views.ts';
import { hasGpuDriver, openNodeGpu } from '../src/testing/nodeGpu.ts';
import type { CliEngine } from './engineSession.ts';
import { toChoice } from './options.ts';
import { toLoadParams } from './modelOption.ts';

/** One with a model loaded. */
export interface ReadyEngine extends OpenCliEngine {
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

/** An engine whose backend is open. */
export interface OpenCliEngine extends CliEngine {
  view: EngineView;
  /** Where its runs lie, absolute. */
  runsFolder: string;
}

/** Opens the backend; runs and checkpoints go to a temporary folder that `body` outlives not. */
export async function withOpenEngine<T>(choice: BackendChoice, body: (engine: OpenCliEngine) => Promise<T>): Promise<T> {
  const runsFolder = await mkdtemp(join(tmpdir(), 'sidestep-'));
  try {
    const gpu = await findGpu(choice);
    // Late, so that commands without an engine start at once, and tfjs finds the WebGPU globals.
    const { openCliEngine } = await import('./engineSession.ts');
    const engine = await openCliEngine(gpu ? { runsFolder, gpu } : { runsFolder });
    try {
      const view = await engine.run('openEngine', { backend: choice, allowSoftwareAdapter: choice === 'webgpu' });
      process.stderr.write(`${view.reason}\n`);
      return await body({ ...engine, view, runsFolder });
    } finally {
      await engine.close();
    }
  } finally {
    await rm(runsFolder, { recursive: true, force: true });
  }
}

/**
 * The same with a model loaded.
 * @param modelOption as --model takes it: a folder or zip on disk, a Hub id, an address
 */
export async function withEngine<T>(choice: BackendChoice, modelOption: string, body: (engine: ReadyEngine) => Promise<T>): Promise<T> {
  const params = await toLoadParams(modelOption);
  return withOpenEngine(choice, async (engine) => {
    const model = await engine.run('loadModel', params);
    if (model.notice) process.stderr.write(`${model.notice}\n`);
    return body({ ...engine, model });
  });
}
