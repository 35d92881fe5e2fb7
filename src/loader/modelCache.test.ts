import { createHash } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import type { HubFault, HubRepo } from '../testing/hubServer.ts';
import { accessTo, HUB, ID, openHubWorld, publishedFiles, randomBytes, type HubWorld } from '../testing/hubWorld.ts';
import type { DownloadProgress } from './downloadProgress.ts';
import { createModelCache } from './modelCache.ts';
import { readWhole } from './modelFile.ts';
import type { RemoteSource } from './modelPlan.ts';

const text = (value: string) => new TextEncoder().encode(value);
const WANTED = ['README.md', 'config.json', 'generation_config.json', 'model.safetensors', 'tokenizer.json', 'tokenizer_config.json'];

let world: HubWorld;
afterEach(() => world.close());
const openWorld = async (repo: Partial<HubRepo> = {}) => (world = await openHubWorld(repo));
const isSame = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;
const fail = (world: HubWorld, fault: HubFault) => void world.server.faults.push(fault);
const WEIGHTS = /model\.safetensors$/;

describe('a download from the Hub', () => {
  it('fetches what the engine reads and nothing else, through the redirect, each file whole and checked', async () => {
    const world = await openWorld();
    const access = accessTo(world.server.endpoint, world.host);
    const model = await world.cache.resolve(HUB, access);
    expect(model).toMatchObject({ name: ID, revision: 'main', licence: 'apache-2.0', gated: false, source: { kind: 'hub', commit: world.server.commit(ID) }, notice: null });
    expect(model.files.map(({ path }) => path).sort()).toEqual(WANTED);
    expect(world.server.calls.some(({ path }) => WEIGHTS.test(path))).toBe(false);
    expect(await world.cache.list()).toEqual([]);
    expect(isSame(await world.download(), world.weights())).toBe(true);
    const folder = await world.cache.open(await world.cache.resolve(HUB, access), { access, signal: new AbortController().signal });
    expect((await folder.list())!.sort()).toEqual(WANTED);
    expect((await folder.open('model.safetensors'))!.sha256).toBe(createHash('sha256').update(world.weights()).digest('hex'));
    expect(await folder.open('pytorch_model.bin')).toBeNull();
    expect(world.ranges()).toEqual([null]);
    const [entry] = await world.cache.list();
    expect(entry).toMatchObject({ isComplete: true, totalBytes: entry!.cachedBytes, manifest: { name: ID, revisions: ['main'], licence: 'apache-2.0' } });
    expect((await world.cache.usage()).usageBytes).toBeGreaterThan(entry!.cachedBytes);
  });

  it('takes the shards that the index names, and the index', async () => {
    const files = publishedFiles();
    files.delete('model.safetensors');
    files.set('a.safetensors', randomBytes(900, 5)).set('b.safetensors', randomBytes(800, 6)).set('c.safetensors', randomBytes(700, 7));
    files.set('model.safetensors.index.json', text('{"weight_map":{"x":"b.safetensors","y":"a.safetensors"}}'));
    const world = await openWorld({ files });
    const access = accessTo(world.server.endpoint, world.host);
    const model = await world.cache.resolve(HUB, access);
    expect(model.files.map(({ path }) => path).filter((path) => path.includes('safetensors'))).toEqual(['model.safetensors.index.json', 'a.safetensors', 'b.safetensors']);
    const folder = await world.cache.open(model, { access, signal: new AbortController().signal });
    expect(await readWhole((await folder.open('b.safetensors'))!, 1000)).toEqual(files.get('b.safetensors'));
  });

  it('needs no network for a commit that is here, and uses the copy of a branch when the Hub cannot be reached, saying so', async () => {
    const world = await openWorld();
    await world.download();
    const before = world.server.calls.length;
    expect(isSame(await world.download({ ...HUB, revision: world.server.commit(ID) }), world.weights())).toBe(true);
    expect(world.server.calls.length).toBe(before);
    world.host.cutOff = true;
    const model = await world.cache.resolve(HUB, accessTo(world.server.endpoint, world.host));
    expect(model.notice).toMatch(new RegExp(`cannot be reached; commit ${world.server.commit(ID).slice(0, 7)} downloaded on \\d{4}-`));
    expect(isSame(await world.download(), world.weights())).toBe(true);
    await expect(world.download({ ...HUB, revision: 'other' })).rejects.toMatchObject({ code: 'network' });
  });

  it('keeps the commits of a branch that moved apart', async () => {
    const world = await openWorld();
    await world.download();
    world.server.repos.get(ID)!.files.set('model.safetensors', randomBytes(300_000, 9));
    expect(isSame(await world.download(), randomBytes(300_000, 9))).toBe(true);
    expect((await world.cache.list()).map(({ manifest }) => manifest.revisions)).toEqual([['main'], ['main']]);
  });

  it('sends the token to the Hub alone, never to the CDN, and keeps it nowhere', async () => {
    const world = await openWorld({ gated: 'manual' });
    await world.download(HUB, { token: 'hf_right' });
    const byHost = (host: string) => world.server.calls.filter((call) => call.host === host).map(({ authorization }) => authorization);
    expect(new Set(byHost('hub'))).toEqual(new Set(['Bearer hf_right']));
    expect(new Set(byHost('cdn'))).toEqual(new Set([null]));
    for (const path of await world.store.list('models')) expect(new TextDecoder('latin1').decode((await world.store.read(path))!)).not.toContain('hf_right');
    await world.download({ kind: 'url', name: 'x', baseUrl: `${world.server.endpoint}/${ID}/resolve/main` }, { token: 'hf_right' });
  });

  it.each<[string, Partial<HubRepo>, Partial<RemoteSource>, string | undefined, string, RegExp]>([
    ['an unknown id', {}, { id: 'tests/none' }, undefined, 'not-found', /no model "tests\/none".*private/],
    ['an id that is none', {}, { id: 'https://x' }, undefined, 'bad-argument', /owner\/name/],
    ['a private model without a token', { private: true }, {}, undefined, 'not-found', /private model needs an access token/],
    ['an unknown id with a token', {}, { id: 'tests/none' }, 'hf_right', 'not-found', /no model "tests\/none"/],
    ['an unknown revision', {}, { revision: 'v9' }, undefined, 'not-found', /no revision "v9"/],
    ['a gated model without a token', { gated: 'manual' }, {}, undefined, 'access', /accept its licence at http.*tests\/tiny, then give an access token/],
    ['a wrong token', { gated: 'auto' }, {}, 'hf_wrong', 'access', /token was refused/],
    ['a model without safetensors', { files: new Map([...publishedFiles()].filter(([path]) => !WEIGHTS.test(path))) }, {}, undefined, 'unsupported', /only pytorch_model\.bin/],
    ['a model without a fast tokenizer', { files: new Map([...publishedFiles()].filter(([path]) => path !== 'tokenizer.json')) }, {}, undefined, 'unsupported', /no tokenizer\.json/],
    ['an adapter', { files: new Map([['adapter_config.json', text('{}')]]) }, {}, undefined, 'unsupported', /PEFT adapter/],
  ])('refuses %s in words that say what to do', async (_, repo, source, token, code, message) => {
    const world = await openWorld(repo);
    const failed = world.download({ ...HUB, ...source } as RemoteSource, token === undefined ? {} : { token });
    await expect(failed).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
    await failed.catch((error: Error) => expect(`${error.message} ${error.stack}`).not.toContain('hf_'));
    expect(await world.cache.list()).toEqual([]);
  });

  it('says so when the account of the token may not read a gated model yet', async () => {
    const world = await openWorld({ gated: 'manual' });
    fail(world, { path: /config\.json$/, kind: 'status', status: 403, headers: { 'x-error-code': 'GatedRepo' } });
    await expect(world.download(HUB, { token: 'hf_right' })).rejects.toMatchObject({ code: 'access', message: expect.stringMatching(/may not read it yet/) });
  });
});

describe('a download over a bad network', () => {
  it('goes on where the connection broke, by a range', async () => {
    const world = await openWorld();
    fail(world, { path: WEIGHTS, host: 'cdn', times: 1, kind: 'cut', afterBytes: 100_000 });
    expect(isSame(await world.download(), world.weights())).toBe(true);
    expect(world.ranges()).toEqual([null, 'bytes=100000-']);
    expect(world.host.waits).toEqual([1000]);
  });

  it('goes on after a reload, asking only for what is missing', async () => {
    const world = await openWorld();
    const abort = new AbortController();
    fail(world, { path: WEIGHTS, host: 'cdn', times: 1, kind: 'slow', bytes: 50_000, pauseMs: 5 });
    await expect(world.download(HUB, { signal: abort.signal, onProgress: ({ doneBytes }) => doneBytes > 140_000 && abort.abort() })).rejects.toMatchObject({ code: 'cancelled' });
    const [entry] = await world.cache.list();
    expect(entry).toMatchObject({ isComplete: false });
    const there = await world.store.size(`models/${entry!.key}/files/model.safetensors`);
    expect(there).toBeGreaterThan(100_000);
    expect(isSame(await world.download(HUB, { cache: createModelCache(world.store) }), world.weights())).toBe(true);
    expect(world.ranges()).toEqual([null, `bytes=${there}-`]);
    expect((await world.cache.list())[0]).toMatchObject({ isComplete: true });
    expect(world.server.calls.filter(({ path }) => path.endsWith('tokenizer.json'))).toHaveLength(1);
  });

  it('gives up after many broken connections, and keeps what came', async () => {
    const world = await openWorld();
    fail(world, { path: WEIGHTS, host: 'cdn', times: 1, kind: 'cut', afterBytes: 70_000 });
    const refuseFromNow = ({ doneBytes }: DownloadProgress) => doneBytes > 70_000 && world.server.faults.length === 1 && fail(world, { path: WEIGHTS, host: 'cdn', kind: 'refuse' });
    await expect(world.download(HUB, { onProgress: refuseFromNow })).rejects.toMatchObject({ code: 'network', message: expect.stringMatching(/70000 of 300000 bytes are kept/) });
    expect(world.host.waits).toEqual([1000, 2000, 4000, 8000, 16000]);
    world.server.faults.length = 0;
    expect(isSame(await world.download(), world.weights())).toBe(true);
    expect(world.ranges().at(-1)).toBe('bytes=70000-');
  });

  it('passes over what it has where a server knows no ranges', async () => {
    const world = await openWorld();
    fail(world, { path: WEIGHTS, host: 'cdn', times: 1, kind: 'cut', afterBytes: 200_000 });
    fail(world, { path: WEIGHTS, host: 'cdn', kind: 'noRange' });
    expect(isSame(await world.download(), world.weights())).toBe(true);
    const counts = world.seen.map(({ doneBytes }) => doneBytes);
    expect(counts.every((count, i) => i === 0 || count >= counts[i - 1]!)).toBe(true);
  });

  it('takes a file anew whose bytes were damaged on the way, and refuses one that stays so', async () => {
    const world = await openWorld();
    fail(world, { path: WEIGHTS, host: 'cdn', times: 1, kind: 'corrupt', at: 12_345 });
    expect(isSame(await world.download(), world.weights())).toBe(true);
    await world.cache.delete((await world.cache.list())[0]!.key);
    fail(world, { path: WEIGHTS, host: 'cdn', kind: 'corrupt', at: 12_345 });
    await expect(world.download()).rejects.toMatchObject({ code: 'bad-file', message: expect.stringMatching(/model\.safetensors: what arrives has the hash/) });
    const [entry] = await world.cache.list();
    expect(entry!.isComplete).toBe(false);
    expect(await world.store.size(`models/${entry!.key}/files/model.safetensors`)).toBe(0);
  });

  it('never joins two versions: a file that changed on the CDN is refused by its hash', async () => {
    const world = await openWorld();
    const access = accessTo(world.server.endpoint, world.host);
    const model = await world.cache.resolve(HUB, access);
    fail(world, { path: WEIGHTS, host: 'cdn', times: 1, kind: 'cut', afterBytes: 100_000 });
    world.server.repos.get(ID)!.revisions = [world.server.commit(ID)];
    const options = { access, signal: new AbortController().signal, onProgress: ({ doneBytes }: DownloadProgress) => { if (doneBytes > 100_000) world.server.repos.get(ID)!.files.set('model.safetensors', randomBytes(300_000, 8)); } };
    await expect(world.cache.open(model, options)).rejects.toMatchObject({ code: 'bad-file' });
    expect((await world.cache.list())[0]!.isComplete).toBe(false);
  });

  it('checks small files by their git hash', async () => {
    const world = await openWorld();
    fail(world, { path: /tokenizer\.json$/, kind: 'corrupt', at: 3 });
    await expect(world.download()).rejects.toMatchObject({ code: 'bad-file', message: expect.stringMatching(/^tokenizer\.json: /) });
  });

  it('waits as long as the server asks, tries again after its faults, and says what it wants when that is long', async () => {
    const world = await openWorld();
    fail(world, { path: /^\/api/, times: 1, kind: 'status', status: 429, headers: { 'retry-after': '7' } });
    fail(world, { path: /^\/api/, times: 2, kind: 'status', status: 503 });
    fail(world, { path: WEIGHTS, host: 'cdn', times: 1, kind: 'status', status: 502 });
    expect(isSame(await world.download(), world.weights())).toBe(true);
    expect(world.host.waits).toEqual([7000, 2000, 4000, 1000]);
    fail(world, { path: /^\/api/, times: 1, kind: 'status', status: 429, headers: { 'retry-after': '900' } });
    await expect(world.cache.resolve({ ...HUB, revision: 'x' }, accessTo(world.server.endpoint, world.host))).rejects.toMatchObject({ code: 'network', message: expect.stringMatching(/too many requests.*900 s/) });
    fail(world, { path: /^\/api/, kind: 'status', status: 500 });
    await expect(world.cache.resolve({ ...HUB, revision: 'x' }, accessTo(world.server.endpoint, world.host))).rejects.toMatchObject({ code: 'network', message: expect.stringMatching(/status 500/) });
  });

  it('gives a silent connection up and opens another', async () => {
    const world = await openWorld();
    world.host.stallMs = 100;
    fail(world, { path: WEIGHTS, host: 'cdn', times: 1, kind: 'hang' });
    expect(isSame(await world.download(), world.weights())).toBe(true);
    expect(world.ranges()).toEqual([null, null]);
  });

  it.each([299_000, 400_000])('is not fooled by a told length of %i instead of 300000', async (length) => {
    const world = await openWorld();
    fail(world, { path: WEIGHTS, host: 'cdn', times: 1, kind: 'wrongLength', length });
    expect(isSame(await world.download(), world.weights())).toBe(true);
  });

  it('explains a server that is not there', async () => {
    const { cache, host, server } = await openWorld();
    const closed = await openHubWorld();
    await closed.close();
    const nowhere = closed.server.endpoint;
    await expect(cache.resolve(HUB, accessTo(nowhere, host))).rejects.toMatchObject({ code: 'network', message: expect.stringMatching(/ECONNREFUSED.*CORS/) });
    host.isOffline = () => true;
    await expect(cache.resolve(HUB, accessTo(nowhere, host))).rejects.toMatchObject({ code: 'network', message: expect.stringMatching(/offline/) });
    await expect(cache.resolve(HUB, accessTo(`${server.endpoint}/nothing`, host))).rejects.toMatchObject({ code: 'not-found' });
  });

  it('tells one count that never falls and ends at the total, with speed and time left', async () => {
    const world = await openWorld();
    fail(world, { path: WEIGHTS, host: 'cdn', times: 1, kind: 'corrupt', at: 12_345 });
    let ms = 0;
    world.host.now = () => (ms += 40);
    await world.download();
    const counts = world.seen.map(({ doneBytes }) => doneBytes);
    expect(counts.every((count, i) => i === 0 || count >= counts[i - 1]!)).toBe(true);
    const { totalBytes } = (await world.cache.list())[0]!;
    expect(world.seen.at(-1)).toMatchObject({ doneBytes: totalBytes, totalBytes });
    expect(new Set(world.seen.map((progress) => progress.totalBytes))).toEqual(new Set([totalBytes]));
    const timed = world.seen.filter(({ bytesPerSecond }) => bytesPerSecond !== null && bytesPerSecond > 0);
    expect(timed.length).toBeGreaterThan(2);
    for (const { etaMs } of timed) expect(etaMs).toBeGreaterThanOrEqual(0);
  });

  it('stops at once when it is cancelled while it waits', async () => {
    const world = await openWorld();
    const abort = new AbortController();
    world.host.stallMs = 60_000;
    fail(world, { path: WEIGHTS, host: 'cdn', kind: 'hang' });
    const opening = world.download(HUB, { signal: abort.signal, onProgress: ({ path }) => path === 'model.safetensors' && setTimeout(() => abort.abort(), 20) });
    await expect(opening).rejects.toMatchObject({ code: 'cancelled' });
  });
});
