/**
 * A model of real size in a real browser: downloaded in shards by Hub id from a server on this machine, with one connection cut on the way,
 * then generation, three semantic LoRA steps and the export of the adapter; times and memory of each phase. Run by hand, a few minutes:
 *   python tools/reference/make_smollm2.py FOLDER && npx tsx bench/realModel.ts FOLDER [wasm|webgpu]
 * WebGPU is the browser's software adapter where there is no GPU. Memory is that of the browser's processes as Linux counts it.
 */
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type BrowserContext, chromium, type Page } from 'playwright';
import { build } from 'vite';
import { root } from '../scripts/ensureInstalled.mjs';
import { findOrInstallChrome } from '../scripts/findChrome.mjs';
import { createStaticServer, listenOnFreePort } from '../scripts/serveFolder.mjs';
import { parseTrainConfig } from '../src/config/train.ts';
import type { Command, EngineEvent, JobName, Jobs } from '../src/protocol/jobs.ts';
import type { BackendName, MemoryView } from '../src/protocol/views.ts';
import { type HubContent, type HubServer, startHubServer } from '../src/testing/hubServer.ts';

const ID = 'bench/real-model';
const MB = 1e6;

/** A software adapter is some twenty times slower than WebAssembly: it gets less to do. */
const WORK: Record<BackendName, { rows: number; newTokens: number; prompts: number }> = { wasm: { rows: 4, newTokens: 32, prompts: 4 }, webgpu: { rows: 1, newTokens: 4, prompts: 1 } };

/** Most resident memory since the phase began, bytes. */
interface ProcessPeaks {
  renderer: number;
  gpu: number;
  /** All processes of the browser at the end of the phase. */
  all: number;
}

interface Phase extends ProcessPeaks {
  name: string;
  seconds: number;
  /** Of the engine, at the end of the phase. */
  memory: MemoryView | null;
  note: string;
}

/** What the page keeps of the engine. */
interface EngineInPage {
  worker: Worker;
  highestTensorBytes: number;
}
declare global {
  interface Window {
    engineInPage: EngineInPage;
  }
}

async function filesOf(folder: string): Promise<Map<string, HubContent>> {
  const files = new Map<string, HubContent>();
  for (const path of (await readdir(folder)).sort()) {
    const filePath = join(folder, path);
    if ((await stat(filePath)).isFile()) files.set(path, path.endsWith('.safetensors') ? { filePath } : new Uint8Array(await readFile(filePath)));
  }
  return files;
}

/** A line of /proc/PID/status in bytes; 0 where the process is gone. */
async function statusOf(pid: number, line: 'VmRSS' | 'VmHWM'): Promise<number> {
  const text = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return 1024 * Number(new RegExp(`^${line}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0);
}

/** Reads and resets the peaks of the browser's processes. */
async function watchProcesses(context: BrowserContext): Promise<{ begin(): Promise<void>; end(): Promise<ProcessPeaks> }> {
  const browser = context.browser();
  const session = browser ? await browser.newBrowserCDPSession() : await context.newCDPSession(context.pages()[0] as Page);
  const processes = async () => (await session.send('SystemInfo.getProcessInfo')).processInfo;
  return {
    async begin() {
      // 5: forget the highest resident size so far.
      for (const { id } of await processes()) await writeFile(`/proc/${id}/clear_refs`, '5').catch(() => {});
    },
    async end() {
      const peaks: ProcessPeaks = { renderer: 0, gpu: 0, all: 0 };
      for (const { id, type } of await processes()) {
        const highest = await statusOf(id, 'VmHWM');
        if (type === 'renderer') peaks.renderer = Math.max(peaks.renderer, highest);
        if (type.toLowerCase().startsWith('gpu')) peaks.gpu += highest;
        peaks.all += await statusOf(id, 'VmRSS');
      }
      return peaks;
    },
  };
}

async function run<N extends JobName>(page: Page, name: N, params: Jobs[N]['params']): Promise<Jobs[N]['result']> {
  return (await page.evaluate(
    ([job, given]) => {
      const { worker } = window.engineInPage;
      const jobId = crypto.randomUUID();
      return new Promise((done, reject) => {
        worker.addEventListener('message', ({ data }: MessageEvent<EngineEvent>) => {
          if (!('jobId' in data) || data.jobId !== jobId) return;
          if (data.type === 'done') done(data.result as never);
          if (data.type === 'failed') reject(new Error(`${data.failure.code}: ${data.failure.message}`));
        });
        worker.postMessage({ type: 'start', jobId, name: job, params: given } as Command);
      });
    },
    [name, params] as const,
  )) as Jobs[N]['result'];
}

async function spawnEngine(page: Page, address: string): Promise<void> {
  const started = page.waitForEvent('worker');
  await page.goto(address);
  const url = (await started).url();
  await page.evaluate(async (workerUrl) => {
    const worker = new Worker(workerUrl, { type: 'module' });
    window.engineInPage = { worker, highestTensorBytes: 0 };
    await new Promise<void>((done, reject) => {
      worker.addEventListener('error', (event) => reject(new Error(event.message)));
      worker.addEventListener('message', ({ data }: MessageEvent<EngineEvent>) => data.type === 'ready' && done());
    });
  }, url);
}

/** JavaScript's and the WASM heap's share, as the page itself may ask. */
const userAgentBytes = (page: Page): Promise<number> =>
  page.evaluate(async () => (await (performance as unknown as { measureUserAgentSpecificMemory(): Promise<{ bytes: number }> }).measureUserAgentSpecificMemory()).bytes);

const prompts = ['How do I sort a list?', 'What is a good name for a cat?', 'Write a line about the sea.', 'Explain what a file is.'].map((text, n) => ({ id: `p${n}`, text }));
const pairs = (set: string) =>
  Array.from({ length: 8 }, (_, n) => ({ prompt: `Tell me about ${set} number ${n}, please.`, response: `Here is what there is to say about ${set} number ${n}: it is one of several, and nothing more is known of it.`, intent: `${set}${n}` }));
const validation = prompts.map(({ id, text }) => ({ id, text, set: 'harmful' as const, split: 'validation' as const, intent: id, source: 'typed' as const }));

async function measurePhases(page: Page, context: BrowserContext, hub: HubServer, backend: BackendName): Promise<Phase[]> {
  const phases: Phase[] = [];
  const watch = await watchProcesses(context);
  async function phase(name: string, body: () => Promise<string>): Promise<void> {
    await watch.begin();
    const startedMs = performance.now();
    const note = await body();
    const seconds = (performance.now() - startedMs) / 1000;
    const memory = name === 'open the engine' ? null : await run(page, 'measureMemory', {});
    phases.push({ name, seconds, ...(await watch.end()), memory, note });
    process.stderr.write(`${name}: ${seconds.toFixed(1)} s. ${note}\n`);
  }

  const { rows, newTokens, prompts: promptCount } = WORK[backend];
  const asked = prompts.slice(0, promptCount);
  const source = { kind: 'hub' as const, id: ID, revision: 'main' };
  const access = { endpoint: hub.endpoint };
  await phase('open the engine', async () => (await run(page, 'openEngine', { backend, allowSoftwareAdapter: true })).reason);
  await phase('inspect', async () => {
    const { fit, totalBytes, storage } = await run(page, 'inspectModel', { source, access });
    return `${(totalBytes / MB).toFixed(0)} MB, ${storage}; ${fit.verdict}: ${fit.reasons.join(' ')}`;
  });
  await phase('download and load', async () => {
    const { parameterCount, storage } = await run(page, 'loadModel', { source, access });
    const resumed = hub.calls.filter(({ range, status }) => status === 206 && range !== null && !range.startsWith('bytes=0-'));
    if (hub.faults.some(({ times }) => times !== 0) || resumed.length === 0) throw new Error('The connection was not cut and resumed.');
    return `${parameterCount.toLocaleString('en')} parameters as ${storage}; went on after the cut with ${resumed.map(({ range }) => range).join(', ')}`;
  });
  await phase('load again from the cache', async () => {
    const before = hub.calls.length;
    await run(page, 'loadModel', { source, access });
    return `${hub.calls.length - before} requests`;
  });
  await phase('generate', async () => {
    const config = { maxNewTokens: newTokens, temperature: 1, topK: 0, topP: 1, seed: 1, batchSize: 4, stopStrings: [] };
    const { responses } = await run(page, 'generate', { prompts: asked, samplesPerPrompt: 1, config, weights: { kind: 'base' }, lexicon: null });
    return `${responses.reduce((sum, { tokenCount }) => sum + tokenCount, 0)} tokens in ${promptCount} rows`;
  });
  const config = parseTrainConfig({ trainingMethod: 'lora', benignPerStep: rows, unsafePerStep: rows, maxSteps: 3, warmupSteps: 0, evalSteps: 100, saveSteps: 100 });
  const data = { unsafe: pairs('stones'), everyday: pairs('clouds'), borderline: pairs('rivers') };
  await phase('measure a step', async () => {
    const { msPerStep, peakBytes, changes } = await run(page, 'measureStep', { config, data });
    return `${rows} + ${rows} rows, ${(msPerStep / 1000).toFixed(1)} s a step, peak of tensors ${(peakBytes / MB).toFixed(0)} MB; ${changes.join(' ') || 'nothing changed'}`;
  });
  let runId = '';
  await phase('three semantic LoRA steps', async () => {
    const evaluation = { promptsPerSet: 0, maxNewTokens: newTokens / 4, batchSize: 4, coherenceQuantile: 0.99, coherenceSamples: 8, seed: 1 };
    const record = await run(page, 'train', { name: 'bench', config, data, validation: validation.slice(0, promptCount), evaluation, lexicon: null, humanLabels: [] });
    runId = record.id;
    const steps = record.metrics.map(({ lossTotal, lossSemantic }) => `${lossTotal.toFixed(4)} (semantic ${lossSemantic.toFixed(4)})`);
    return `losses ${steps.join(', ')}; ${((record.metrics.at(-1)?.elapsedMs ?? 0) / 3000).toFixed(1)} s a step, two small evaluations besides`;
  });
  await phase('export the adapter', async () => {
    const { files, verified } = await run(page, 'exportModel', { weights: { kind: 'run', runId, step: 'last' }, as: 'adapter' });
    return `${files.map(({ path, data }) => `${path} ${data instanceof Uint8Array ? data.byteLength : data.size} B`).join(', ')}; ${verified}`;
  });
  await run(page, 'deleteRun', { runId });
  process.stderr.write(`performance.measureUserAgentSpecificMemory: ${((await userAgentBytes(page)) / MB).toFixed(0)} MB\n`);
  return phases;
}

function printTable(backend: BackendName, phases: readonly Phase[]): void {
  const mb = (bytes: number | null | undefined) => (bytes === null || bytes === undefined ? '–' : (bytes / MB).toFixed(0));
  console.log(`\n${backend}\n\n| phase | s | renderer peak MB | GPU process peak MB | all processes MB | tensors MB | GPU buffers MB |\n|---|---|---|---|---|---|---|`);
  for (const { name, seconds, renderer, gpu, all, memory } of phases)
    console.log(`| ${name} | ${seconds.toFixed(1)} | ${mb(renderer)} | ${mb(gpu)} | ${mb(all)} | ${mb(memory?.tensorBytes)} | ${mb(memory?.gpuBytes)} |`);
}

async function main(folder: string, backend: BackendName): Promise<void> {
  const scratch = await mkdtemp(join(tmpdir(), 'sidestep-real-model-'));
  const hub = await startHubServer({ repos: { [ID]: { files: await filesOf(resolve(folder)), licence: 'apache-2.0' } } });
  hub.faults.push({ kind: 'cut', host: 'cdn', path: /model-00002/, afterBytes: 30 * MB, times: 1 });
  await build({ root, logLevel: 'error', build: { outDir: join(scratch, 'studio'), emptyOutDir: true, sourcemap: false } });
  const server = createStaticServer(join(scratch, 'studio'));
  const port = await listenOnFreePort(server, 4400);
  const context = await chromium.launchPersistentContext(join(scratch, 'profile'), {
    executablePath: await findOrInstallChrome(),
    args: ['--no-sandbox', '--disable-background-networking', '--disable-component-update', '--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader', '--enable-blink-features=ForceEagerMeasureMemory'],
  });
  try {
    const page = context.pages()[0] ?? (await context.newPage());
    page.setDefaultTimeout(0);
    await spawnEngine(page, `http://127.0.0.1:${port}/`);
    printTable(backend, await measurePhases(page, context, hub, backend));
  } finally {
    await context.close();
    server.close();
    await hub.close();
    await rm(scratch, { recursive: true, force: true });
  }
}

const [folder, backend = 'wasm'] = process.argv.slice(2);
if (folder === undefined || (backend !== 'wasm' && backend !== 'webgpu')) {
  console.error('npx tsx bench/realModel.ts FOLDER [wasm|webgpu]');
  process.exit(2);
}
await main(folder, backend);
process.exit(0);
