/** The built engine in a real browser's worker, spoken to over its own wire: storage, both backends, a worker that dies in mid-run. */
import { expect, type Page, test } from '@playwright/test';
import type { Command, EngineEvent, JobName, Jobs } from '../src/protocol/jobs.ts';
import type { RunRecord } from '../src/records/run.ts';

/** What the page keeps of the engine under test. */
interface EngineUnderTest {
  worker: Worker;
  events: EngineEvent[];
}
declare global {
  interface Window {
    engineUnderTest: EngineUnderTest;
  }
}

/** Starts a second engine beside the studio's own, from the same file, and waits until it is ready. */
async function spawn(page: Page, url: string): Promise<Extract<EngineEvent, { type: 'ready' }>> {
  return page.evaluate(async (workerUrl) => {
    const worker = new Worker(workerUrl, { type: 'module' });
    const events: EngineEvent[] = [];
    window.engineUnderTest = { worker, events };
    return new Promise<Extract<EngineEvent, { type: 'ready' }>>((resolve, reject) => {
      worker.addEventListener('error', (event) => reject(new Error(event.message)));
      worker.addEventListener('message', ({ data }: MessageEvent<EngineEvent>) => {
        events.push(data);
        if (data.type === 'ready') resolve(data);
      });
    });
  }, url);
}

async function run<N extends JobName>(page: Page, name: N, params: Jobs[N]['params']): Promise<Jobs[N]['result']> {
  return (await page.evaluate(
    ([job, given]) => {
      const { worker } = window.engineUnderTest;
      const jobId = crypto.randomUUID();
      return new Promise((resolve, reject) => {
        worker.addEventListener('message', ({ data }: MessageEvent<EngineEvent>) => {
          if (!('jobId' in data) || data.jobId !== jobId) return;
          if (data.type === 'done') resolve(data.result);
          if (data.type === 'failed') reject(new Error(`${data.failure.code}: ${data.failure.message}`));
        });
        worker.postMessage({ type: 'start', jobId, name: job, params: given } as Command);
      });
    },
    [name, params] as const,
  )) as Jobs[N]['result'];
}

async function openStudio(page: Page): Promise<string> {
  const started = page.waitForEvent('worker');
  await page.goto('./');
  return (await started).url();
}

const modelAt = (page: Page): Jobs['loadModel']['params'] => ({ source: { kind: 'embedded', name: 'demo', baseUrl: new URL('./models/demo/', page.url()).href } });
const pairs = (set: string) => [0, 1, 2].map((n) => ({ prompt: `How do I ${set} ${n}?`, response: `You can ${set} it.`, intent: `${set}${n}` }));

/** A small run: two rows of each kind a step, a handful of prompts an evaluation. */
async function trainParams(page: Page, maxSteps: number): Promise<Jobs['train']['params']> {
  return page.evaluate(
    async ([pairLists, steps]) => {
      const rows = (await (await fetch('./data/harmful.validation.jsonl')).text()).trim().split('\n').slice(0, 4);
      const validation = rows.map((row) => {
        const { prompt, ...rest } = JSON.parse(row) as { prompt: string; id: string; intent: string };
        return { ...rest, text: prompt, set: 'harmful' as const, split: 'validation' as const, source: 'built-in' as const };
      });
      const evaluation = { promptsPerSet: 0, maxNewTokens: 6, batchSize: 8, coherenceQuantile: 0.99, coherenceSamples: 8, seed: 1 };
      const config = { maxSteps: steps, evalSteps: 2, saveSteps: 1, benignPerStep: 2, unsafePerStep: 2 } as never;
      return { name: 'in the browser', config, data: pairLists, validation, evaluation, lexicon: null, humanLabels: [] };
    },
    [{ unsafe: pairs('take'), everyday: pairs('bake'), borderline: pairs('kill') }, maxSteps] as const,
  );
}

test('trains on WebAssembly, keeps the run in browser storage, and resumes it after the worker died', async ({ page }) => {
  const url = await openStudio(page);
  expect((await spawn(page, url)).storage).toBe('opfs');
  const view = await run(page, 'openEngine', { backend: 'auto', allowSoftwareAdapter: false });
  expect(view.backend).toBe('wasm');
  // The page is isolated, so the kernels have a thread a core.
  const cores = await page.evaluate(() => navigator.hardwareConcurrency);
  expect(view.reason).toContain(cores > 1 ? `${Math.min(cores, 8)} threads` : 'one thread');
  await run(page, 'loadModel', modelAt(page));
  const params = await trainParams(page, 4);
  const whole = await run(page, 'train', params);
  expect(whole.status).toBe('completed');

  // A second run is cut off in its middle: no goodbye, as when a tab is closed.
  await page.evaluate(async (given) => {
    const { worker } = window.engineUnderTest;
    await new Promise<void>((resolve) => {
      worker.addEventListener('message', ({ data }: MessageEvent<EngineEvent>) => {
        if (data.type === 'evaluated' && data.point.step === 2) resolve();
      });
      worker.postMessage({ type: 'start', jobId: 'cut', name: 'train', params: given } as Command);
    });
    worker.terminate();
  }, params);
  const ready = await spawn(page, url);
  const cut = ready.runs.find((found: RunRecord) => found.id !== whole.id);
  expect(cut?.status).toBe('interrupted');

  await run(page, 'openEngine', { backend: 'wasm', allowSoftwareAdapter: false });
  await run(page, 'loadModel', modelAt(page));
  const resumed = await run(page, 'resumeRun', { runId: cut?.id as string });
  expect(resumed.status).toBe('completed');
  expect(resumed.metrics.map((step) => step.lossTotal)).toEqual(whole.metrics.map((step) => step.lossTotal));

  for (const { id } of await run(page, 'listRuns', {})) await run(page, 'deleteRun', { runId: id });
  expect(await run(page, 'listRuns', {})).toEqual([]);
});

test('trains on WebGPU in the worker, with numbers like those of WebAssembly', async ({ page }) => {
  const url = await openStudio(page);
  await spawn(page, url);
  const view = await run(page, 'openEngine', { backend: 'webgpu', allowSoftwareAdapter: true });
  expect(view).toMatchObject({ backend: 'webgpu', rejected: [] });
  await run(page, 'loadModel', modelAt(page));
  const params = await trainParams(page, 2);
  const onGpu = await run(page, 'train', params);

  await run(page, 'openEngine', { backend: 'wasm', allowSoftwareAdapter: false });
  await run(page, 'loadModel', modelAt(page));
  const onWasm = await run(page, 'train', params);
  for (const [i, step] of onGpu.metrics.entries()) expect(step.lossTotal).toBeCloseTo(onWasm.metrics[i]?.lossTotal as number, 3);
  for (const { id } of await run(page, 'listRuns', {})) await run(page, 'deleteRun', { runId: id });
});
