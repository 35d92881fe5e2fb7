/** Downloads in the built engine's worker of a real browser: redirects and tokens across origins, its own storage, a tab that dies, quota. */
import { expect, type Page, test, type Worker as PageWorker } from '@playwright/test';
import type { Command, EngineEvent, JobName, Jobs } from '../src/protocol/jobs.ts';
import { tinyModelFiles } from '../src/testing/engineHarness.ts';
import { type HubServer, startHubServer } from '../src/testing/hubServer.ts';

interface EngineUnderTest {
  worker: Worker;
  events: EngineEvent[];
}
declare global {
  interface Window {
    engineUnderTest: EngineUnderTest;
  }
}

const ID = 'tests/tiny';
/** Beside the 30 kB of weights, so that a download takes a while and has parts. */
const BALLAST = new Uint8Array(8 * 2 ** 20).map((_, i) => (i * 2654435761) >>> 13);

let server: HubServer;
test.beforeEach(async () => {
  const files = new Map(tinyModelFiles().files.map(({ path, data }) => [path, data as Uint8Array]));
  files.set('LICENSE', BALLAST);
  server = await startHubServer({ repos: { [ID]: { files, gated: 'manual', licence: 'mit' } } });
});
test.afterEach(() => server.close());

/** Starts an engine of its own beside the studio's, from the same file. */
async function openEngine(page: Page, knownUrl?: string): Promise<string> {
  // A second tab of the studio starts no engine by itself.
  const started = knownUrl === undefined ? page.waitForEvent('worker') : null;
  await page.goto('./');
  const url = knownUrl ?? (await (started as Promise<PageWorker>)).url();
  await page.evaluate(async (workerUrl) => {
    const worker = new Worker(workerUrl, { type: 'module' });
    const events: EngineEvent[] = [];
    window.engineUnderTest = { worker, events };
    await new Promise<void>((resolve, reject) => {
      worker.addEventListener('error', (event) => reject(new Error(event.message)));
      worker.addEventListener('message', ({ data }: MessageEvent<EngineEvent>) => {
        events.push(data);
        if (data.type === 'ready') resolve();
      });
    });
  }, url);
  await run(page, 'openEngine', { backend: 'wasm', allowSoftwareAdapter: false });
  return url;
}

async function run<N extends JobName>(page: Page, name: N, params: Jobs[N]['params'], jobId: string = crypto.randomUUID()): Promise<Jobs[N]['result']> {
  return (await page.evaluate(
    ([job, given, id]) => {
      const { worker } = window.engineUnderTest;
      return new Promise((resolve, reject) => {
        worker.addEventListener('message', ({ data }: MessageEvent<EngineEvent>) => {
          if (!('jobId' in data) || data.jobId !== id) return;
          if (data.type === 'done') resolve(data.result);
          if (data.type === 'failed') reject(new Error(`${data.failure.code}: ${data.failure.message}`));
          if (data.type === 'cancelled') reject(new Error('cancelled'));
        });
        worker.postMessage({ type: 'start', jobId: id, name: job, params: given } as Command);
      });
    },
    [name, params, jobId] as const,
  )) as Jobs[N]['result'];
}

/** Resolves when so many bytes of the download are there. */
const downloaded = (page: Page, bytes: number): Promise<void> =>
  page.evaluate(
    (least) =>
      new Promise<void>((resolve) => {
        window.engineUnderTest.worker.addEventListener('message', ({ data }: MessageEvent<EngineEvent>) => {
          if (data.type === 'progressed' && data.progress.phase === 'downloading' && data.progress.done >= least) resolve();
        });
      }),
    bytes,
  );

const load = (token = 'hf_right'): Jobs['loadModel']['params'] => ({ source: { kind: 'hub', id: ID, revision: 'main' }, access: { endpoint: server.endpoint, token } });

test('downloads a gated model across origins, goes on after a cut connection, and keeps it for the next visit', async ({ page }) => {
  await openEngine(page);
  const { token: _, ...anonymous } = load().access ?? {};
  await expect(run(page, 'inspectModel', { ...load(), access: anonymous })).rejects.toThrow(/access: .*accept its licence/);
  await expect(run(page, 'inspectModel', load('hf_wrong'))).rejects.toThrow(/access: .*refused/);
  const told = await run(page, 'inspectModel', load());
  expect(told.cachedBytes).toBe(0);
  server.faults.push({ path: /LICENSE$/, host: 'hub', times: 1, kind: 'cut', afterBytes: 3_000_000 }, { path: /\.safetensors$/, host: 'cdn', times: 1, kind: 'cut', afterBytes: 10_000 });
  const model = await run(page, 'loadModel', load());
  const ranges = (path: RegExp) => server.calls.filter((call) => path.test(call.path) && call.method === 'GET').map(({ host, range }) => [host, range]);
  expect(ranges(/LICENSE$/)).toEqual([['hub', null], ['hub', 'bytes=3000000-']]);
  expect(ranges(/\.safetensors$/)).toEqual([['hub', null], ['cdn', null], ['hub', 'bytes=10000-'], ['cdn', 'bytes=10000-']]);
  // Neither the token nor a question whether a range is allowed goes to the CDN, which need not answer such questions.
  expect(server.calls.filter(({ host }) => host === 'cdn').every(({ authorization }) => authorization === null)).toBe(true);
  expect(new Set(server.preflights.map(({ host }) => host))).toEqual(new Set(['hub']));

  await server.close();
  await openEngine(page);
  const again = await run(page, 'loadModel', load());
  expect(again.fingerprint).toBe(model.fingerprint);
  expect(again.notice).toMatch(/cannot be reached/);
  const { models } = await run(page, 'listModels', {});
  expect(models).toMatchObject([{ name: ID, state: 'complete', totalBytes: told.totalBytes, cachedBytes: told.totalBytes }]);
  expect(await run(page, 'verifyModel', { key: models[0]!.key, repair: false })).toMatchObject({ badFiles: [] });
  expect((await run(page, 'deleteModel', { key: models[0]!.key })).models).toEqual([]);
});

test('goes on after a reload in the middle of a download, and lets one tab download at a time', async ({ page, context }) => {
  server.faults.push({ path: /LICENSE$/, host: 'hub', kind: 'slow', bytes: 65_536, pauseMs: 20 });
  const url = await openEngine(page);
  const first = run(page, 'loadModel', load()).catch((error: unknown) => String(error));
  await downloaded(page, 1_000_000);
  const other = await context.newPage();
  await openEngine(other, url);
  await expect(run(other, 'loadModel', load())).rejects.toThrow(/busy: .*another tab/);
  await other.close();
  // The tab goes away without a word.
  await page.reload();
  await first;
  server.faults.length = 0;
  await openEngine(page);
  const { models } = await run(page, 'listModels', {});
  expect(models).toMatchObject([{ state: 'partial' }]);
  expect(models[0]!.cachedBytes).toBeGreaterThan(1_000_000);
  await run(page, 'loadModel', load());
  expect(server.calls.filter(({ path, range }) => path.endsWith('LICENSE') && range !== null).map(({ range }) => Number(/\d+/.exec(range!)![0]) > 900_000)).toEqual([true]);
});

test('cancels a download at once and keeps what came', async ({ page }) => {
  server.faults.push({ path: /LICENSE$/, host: 'hub', kind: 'slow', bytes: 65_536, pauseMs: 20 });
  await openEngine(page);
  const loading = run(page, 'loadModel', load(), 'to-cancel');
  const ended = expect(loading).rejects.toThrow('cancelled');
  await downloaded(page, 500_000);
  await page.evaluate(() => window.engineUnderTest.worker.postMessage({ type: 'cancel', jobId: 'to-cancel' } satisfies Command));
  await ended;
  expect((await run(page, 'listModels', {})).models).toMatchObject([{ state: 'partial' }]);
});

test('refuses before the first byte what the browser has no room for, and keeps what came when the room ends', async ({ page, context }) => {
  await openEngine(page);
  const devtools = await context.newCDPSession(page);
  const { origin } = new URL(page.url());
  await devtools.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 4_000_000 });
  await expect(run(page, 'loadModel', load())).rejects.toThrow(/storage: tests\/tiny needs 8\.\d MB more, /);
  expect(server.calls.some(({ path }) => /LICENSE|safetensors/.test(path))).toBe(false);

  await devtools.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 40_000_000 });
  server.faults.push({ path: /LICENSE$/, host: 'hub', kind: 'slow', bytes: 262_144, pauseMs: 30 });
  const loading = run(page, 'loadModel', load()).then(() => 'done', (error: unknown) => String(error));
  await downloaded(page, 1_000_000);
  await devtools.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 5_000_000 });
  expect(await loading).toMatch(/storage: No space left.*kept/);
  const { models } = await run(page, 'listModels', {});
  expect(models).toMatchObject([{ state: 'partial' }]);
  await devtools.send('Storage.overrideQuotaForOrigin', { origin });
  server.faults.length = 0;
  await run(page, 'loadModel', load());
  expect(server.calls.filter(({ path, range }) => path.endsWith('LICENSE') && range !== null)).toHaveLength(1);
});
