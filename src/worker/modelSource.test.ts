import { zipSync } from 'fflate';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createMemoryFileStore } from '../loader/memoryFileStore.ts';
import { type EngineHarness, openHarness, tinyModelFiles } from '../testing/engineHarness.ts';
import { type HubRepo, type HubServer, startHubServer } from '../testing/hubServer.ts';
import { createTestHost, type TestHost } from '../testing/hubWorld.ts';

const ID = 'tests/tiny';
const hub = { kind: 'hub' as const, id: ID, revision: 'main' };
const asBytes = () => new Map(tinyModelFiles().files.map(({ path, data }) => [path, data as Uint8Array]));

let server: HubServer;
let engine: EngineHarness;
let host: TestHost;
async function open(repo: Partial<HubRepo> = {}): Promise<void> {
  server = await startHubServer({ repos: { [ID]: { files: asBytes(), licence: 'mit', ...repo } } });
  host = createTestHost();
  engine = await openHarness(createMemoryFileStore(), undefined, host);
  await engine.run('openEngine', { backend: 'wasm', allowSoftwareAdapter: false });
}
const access = (token?: string) => ({ endpoint: `${server.endpoint}/`, ...(token === undefined ? {} : { token }) });
const weightCalls = () => server.calls.filter(({ path }) => path.endsWith('.safetensors'));

describe('a model from elsewhere', () => {
  beforeEach(() => open());
  afterEach(async () => {
    await engine.session.close();
    await server.close();
  });

  it('is told before any weights are fetched, loaded with progress, kept, found without network, and deleted', async () => {
    const told = await engine.run('inspectModel', { source: hub, access: access() });
    expect(told).toMatchObject({ name: ID, storage: 'f16', commit: server.commit(ID), licence: 'mit', gated: false, cachedBytes: 0, notice: null, fit: { verdict: 'fits', method: 'full' } });
    expect(told.totalBytes).toBe([...asBytes().values()].reduce((sum, bytes) => sum + bytes.byteLength, 0));
    expect(weightCalls()).toEqual([]);

    // Slower than the events are thinned out.
    server.faults.push({ path: /\.safetensors$/, host: 'cdn', times: 1, kind: 'slow', bytes: 10_000, pauseMs: 120 });
    const model = await engine.run('loadModel', { source: hub, access: access() });
    expect(model).toMatchObject({ name: ID, source: { kind: 'hub', id: ID, revision: 'main', commit: server.commit(ID) }, notice: null });
    const files = await engine.run('loadModel', { source: tinyModelFiles() });
    expect(files.fingerprint).toBe(model.fingerprint);
    const progress = engine.events.flatMap((event) => (event.type === 'progressed' && event.progress.phase === 'downloading' ? [event.progress] : []));
    expect(progress.length).toBeGreaterThan(0);
    for (const { unit, done, total } of progress) expect({ unit, total, isThere: done > 0 && done <= total }).toEqual({ unit: 'bytes', total: told.totalBytes, isThere: true });

    const { models, usageBytes } = await engine.run('listModels', {});
    expect(models).toMatchObject([{ name: ID, state: 'complete', source: model.source, cachedBytes: told.totalBytes, licence: 'mit' }]);
    expect(usageBytes).toBeGreaterThan(told.totalBytes);
    host.cutOff = true;
    expect(await engine.run('inspectModel', { source: hub, access: access() })).toMatchObject({ cachedBytes: told.totalBytes, notice: expect.stringMatching(/cannot be reached/) });
    expect(await engine.run('loadModel', { source: hub, access: access() })).toMatchObject({ fingerprint: model.fingerprint, notice: expect.stringMatching(/cannot be reached/) });
    expect(weightCalls()).toHaveLength(2);

    host.cutOff = false;
    const { key } = models[0]!;
    expect(await engine.run('verifyModel', { key, repair: true, access: access() })).toMatchObject({ badFiles: [], repairedFiles: [], cache: { models: [{ state: 'complete' }] } });
    expect(await engine.run('deleteModel', { key })).toMatchObject({ models: [], usageBytes: 0 });
  });

  it('goes on after a cancelled download', async () => {
    server.faults.push({ path: /\.safetensors$/, host: 'cdn', times: 1, kind: 'slow', bytes: 6000, pauseMs: 120 });
    engine.listen((event) => {
      if (event.type === 'progressed' && event.jobId === 'first' && event.progress.phase === 'downloading' && event.progress.done > 12_000) engine.command({ type: 'cancel', jobId: 'first' });
    });
    await expect(engine.run('loadModel', { source: hub, access: access() }, 'first')).rejects.toMatchObject({ code: 'cancelled' });
    expect((await engine.run('listModels', {})).models).toMatchObject([{ state: 'partial' }]);
    await engine.run('loadModel', { source: hub, access: access() });
    expect(weightCalls().at(-1)!.range).toMatch(/^bytes=\d+-$/);
  });

  it('comes from any address too, and its token goes nowhere else', async () => {
    const baseUrl = `${server.cdn}/${ID}/`;
    expect(await engine.run('loadModel', { source: { kind: 'url', name: 'mine', baseUrl }, access: access('hf_right') })).toMatchObject({ name: 'mine', source: { kind: 'url', baseUrl } });
    expect(server.calls.filter(({ host: of }) => of === 'cdn').every(({ authorization }) => authorization === null)).toBe(true);
  });

  it('comes from one zip archive', async () => {
    const zip = zipSync(Object.fromEntries([...asBytes()].map(([path, bytes]) => [`my-model/${path}`, bytes])));
    const source = { kind: 'files' as const, name: 'zipped', files: [{ path: 'my-model.zip', data: new Blob([zip as Uint8Array<ArrayBuffer>]) }] };
    expect(await engine.run('inspectModel', { source })).toMatchObject({ name: 'zipped', storage: 'f16', commit: null });
    expect((await engine.run('loadModel', { source })).fingerprint).toBe((await engine.run('loadModel', { source: tinyModelFiles() })).fingerprint);
  });

  it('is refused before its weights are fetched when the engine does not have its architecture', async () => {
    server.repos.get(ID)!.files.set('config.json', new TextEncoder().encode('{"model_type":"mamba"}'));
    for (const job of ['inspectModel', 'loadModel'] as const)
      await expect(engine.run(job, { source: hub, access: access() })).rejects.toMatchObject({ code: 'unsupported', message: expect.stringContaining('mamba') });
    expect(weightCalls()).toEqual([]);
  });

  it('never tells the token: not in an event, not in an error, not in a file', async () => {
    server.repos.get(ID)!.gated = 'manual';
    await expect(engine.run('inspectModel', { source: hub, access: access() })).rejects.toMatchObject({ code: 'access', message: expect.stringContaining('accept its licence') });
    for (const token of ['hf_wrong', 'hf_line\nbreak']) await expect(engine.run('loadModel', { source: hub, access: access(token) })).rejects.toMatchObject({ code: 'access' });
    await engine.run('loadModel', { source: hub, access: access('hf_right') });
    expect(JSON.stringify(engine.events)).not.toMatch(/hf_(wrong|right|line)/);
  });
});
