import { afterEach, describe, expect, it } from 'vitest';
import { accessTo, HUB, ID, openHubWorld, publishedFiles, randomBytes, type HubWorld } from '../testing/hubWorld.ts';
import { toStorageError } from './fileStore.ts';
import { createMemoryFileStore } from './memoryFileStore.ts';
import type { RangeStore } from './rangeStore.ts';

let world: HubWorld;
afterEach(() => world.close());
const isSame = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

/** Memory that holds only so much. */
function createFullStore(limit: { quotaBytes: number; tells: boolean; lets?: number }): RangeStore {
  const store = createMemoryFileStore();
  return {
    ...store,
    estimate: async () => (limit.tells ? { usageBytes: await store.size('models'), quotaBytes: limit.quotaBytes } : null),
    hasRoom: async (bytes) => bytes <= (limit.lets ?? Infinity),
    async openWriter(path) {
      const writer = await store.openWriter(path);
      return {
        get sizeBytes() {
          return writer.sizeBytes;
        },
        async append(bytes) {
          if ((await store.size('models')) + bytes.byteLength > limit.quotaBytes) throw toStorageError(new DOMException('full', 'QuotaExceededError'), `Writing ${path}`);
          await writer.append(bytes);
        },
        read: (begin, end) => writer.read(begin, end),
        truncate: (size) => writer.truncate(size),
        close: () => writer.close(),
      };
    },
  };
}

describe('the cache of models', () => {
  it('refuses a download that does not fit before its first byte, with numbers', async () => {
    world = await openHubWorld({ files: publishedFiles(3_000_000) }, createFullStore({ quotaBytes: 2_000_000, tells: true }));
    await expect(world.download()).rejects.toMatchObject({ code: 'storage', message: expect.stringMatching(/tests\/tiny needs 3\.0 MB more, but only 2\.0 MB are free/) });
    expect(world.server.calls.filter(({ path }) => path.includes('/resolve/')).map(({ path }) => path.split('/').at(-1))).toEqual(['config.json']);
    expect(await world.cache.list()).toEqual([]);
  });

  it('refuses it too where the browser tells of more room than it gives', async () => {
    world = await openHubWorld({}, createFullStore({ quotaBytes: 1e9, tells: true, lets: 200_000 }));
    await expect(world.download()).rejects.toMatchObject({ code: 'storage', message: expect.stringMatching(/needs 0\.3 MB more, and this browser does not give so much room/) });
    expect(world.ranges()).toEqual([]);
  });

  it('keeps what came when the space ends in the middle, names what could be deleted, and goes on when there is more', async () => {
    const limit = { quotaBytes: 250_000, tells: false };
    world = await openHubWorld({}, createFullStore(limit));
    await expect(world.download()).rejects.toMatchObject({ code: 'storage', message: expect.stringMatching(/No space left.*kept.*tests\/tiny \(0\.2 MB\)/) });
    expect((await world.cache.list())[0]).toMatchObject({ isComplete: false });
    limit.quotaBytes = 1e6;
    expect(isSame(await world.download(), world.weights())).toBe(true);
    expect(world.ranges()[1]).toMatch(/^bytes=\d{5,}-$/);
  });

  it('finds files that changed in storage, counts them out, and downloads them once more', async () => {
    world = await openHubWorld();
    await world.download();
    const { key } = (await world.cache.list())[0]!;
    const options = { access: accessTo(world.server.endpoint, world.host), signal: new AbortController().signal };
    const hashed: number[] = [];
    expect(await world.cache.verify(key, false, { ...options, onHashed: (done) => hashed.push(done) })).toEqual({ badFiles: [], repairedFiles: [] });
    expect(hashed.at(-1)).toBe((await world.cache.list())[0]!.totalBytes);

    const path = `models/${key}/files/model.safetensors`;
    const damaged = (await world.store.read(path))!;
    damaged[1000]! ^= 1;
    await world.store.write(path, damaged);
    await world.store.remove(`models/${key}/files/tokenizer.json`);
    expect(await world.cache.verify(key, false, options)).toEqual({ badFiles: ['tokenizer.json', 'model.safetensors'], repairedFiles: [] });
    expect((await world.cache.list())[0]).toMatchObject({ isComplete: false });

    await world.download();
    await world.store.write(path, damaged);
    const before = world.server.calls.length;
    expect(await world.cache.verify(key, true, options)).toEqual({ badFiles: ['model.safetensors'], repairedFiles: ['model.safetensors'] });
    expect(world.server.calls.slice(before).map(({ path }) => path.split('/').at(-1))).toEqual(['model.safetensors', 'model.safetensors']);
    expect(isSame(await world.download(), world.weights())).toBe(true);
    await expect(world.cache.verify('none', false, options)).rejects.toMatchObject({ code: 'not-found' });
  });

  it('deletes a model with all its files, and nothing else', async () => {
    world = await openHubWorld();
    await world.store.write('runs/1/run.json', new Uint8Array(3));
    await world.download();
    await world.cache.delete((await world.cache.list())[0]!.key);
    expect(await world.cache.list()).toEqual([]);
    expect((await world.cache.usage()).usageBytes).toBe(0);
    expect(await world.store.list('runs')).toEqual(['runs/1/run.json']);
    await world.cache.delete('none');
  });

  it('is not changed by two at once: the second is told to wait', async () => {
    world = await openHubWorld();
    let second: Promise<unknown> | null = null;
    await world.download(HUB, { onProgress: () => (second ??= world.download().catch((error: unknown) => error)) });
    expect(await second).toMatchObject({ code: 'busy', message: expect.stringContaining('another tab') });
    const { key } = (await world.cache.list())[0]!;
    await world.store.exclusively(key, async () => {
      await expect(world.cache.delete(key)).rejects.toMatchObject({ code: 'busy' });
    });
  });

  it('begins anew where its own notes cannot be read', async () => {
    world = await openHubWorld();
    await world.download();
    const { key } = (await world.cache.list())[0]!;
    await world.store.write(`models/${key}/manifest.json`, new TextEncoder().encode('{"format":9}'));
    expect(await world.cache.list()).toEqual([]);
    expect(isSame(await world.download(), world.weights())).toBe(true);
    expect(world.ranges()).toEqual([null, null]);
  });

  it('holds less than 1 MB of a 64 MB download in memory, also when storage is slow', async () => {
    const memory = createMemoryFileStore();
    let [received, written, peak, largest] = [0, 0, 0, 0];
    // Counts what it is given and keeps none of it: what is held is what the download holds.
    const store: RangeStore = {
      ...memory,
      async openWriter() {
        let sizeBytes = 0;
        return {
          get sizeBytes() {
            return sizeBytes;
          },
          async append(bytes) {
            largest = Math.max(largest, bytes.byteLength);
            await new Promise((resolve) => setImmediate(resolve));
            sizeBytes += bytes.byteLength;
            written += bytes.byteLength;
          },
          read: () => Promise.reject(new Error('nothing is read again')),
          truncate: () => Promise.reject(new Error('nothing begins anew')),
          close: () => Promise.resolve(),
        };
      },
    };
    world = await openHubWorld({ files: publishedFiles(64 * 2 ** 20) }, store);
    const { fetch } = world.host;
    world.host.fetch = async (url, init) => {
      const response = await fetch(url, init);
      if (!response.body || url.includes('/api/')) return response;
      const count = (chunk: Uint8Array, controller: TransformStreamDefaultController<Uint8Array>) => {
        received += chunk.byteLength;
        peak = Math.max(peak, received - written);
        controller.enqueue(chunk);
      };
      return new Response(response.body.pipeThrough(new TransformStream({ transform: count })), { status: response.status, headers: response.headers });
    };
    const access = accessTo(world.server.endpoint, world.host);
    const model = await world.cache.resolve(HUB, access);
    [received, written] = [0, 0];
    await world.cache.open(model, { access, signal: new AbortController().signal });
    expect(written).toBeGreaterThan(64 * 2 ** 20);
    expect(peak).toBeGreaterThan(0);
    expect(peak).toBeLessThan(2 ** 20);
    expect(largest).toBeLessThan(2 ** 20);
  });
});

describe('a model under any address', () => {
  const at = (world: HubWorld) => ({ kind: 'url' as const, name: 'mine', baseUrl: `${world.server.endpoint}/${ID}/resolve/main` });

  it('is found file by file, downloaded once, and checked by its own hash later', async () => {
    world = await openHubWorld();
    const model = await world.cache.resolve(at(world), accessTo(undefined, world.host));
    expect(model.files.map(({ path }) => path).sort()).toEqual(['README.md', 'config.json', 'generation_config.json', 'model.safetensors', 'tokenizer.json', 'tokenizer_config.json']);
    expect(model.files.find(({ path }) => path === 'model.safetensors')).toMatchObject({ sizeBytes: 300_000 });
    expect(isSame(await world.download(at(world)), world.weights())).toBe(true);
    expect(isSame(await world.download(at(world)), world.weights())).toBe(true);
    expect(world.server.calls.filter(({ host, method }) => host === 'cdn' && method === 'GET')).toHaveLength(1);
    const { key } = (await world.cache.list())[0]!;
    expect(await world.cache.verify(key, false, { access: accessTo(undefined, world.host), signal: new AbortController().signal })).toEqual({ badFiles: [], repairedFiles: [] });
    world.host.cutOff = true;
    expect((await world.cache.resolve(at(world), accessTo(undefined, world.host))).notice).toMatch(/cannot be reached/);
    expect(isSame(await world.download(at(world)), world.weights())).toBe(true);
  });

  it('is measured by a range where HEAD is not allowed', async () => {
    world = await openHubWorld();
    world.server.faults.push({ path: /./, kind: 'noHead' });
    const model = await world.cache.resolve(at(world), accessTo(undefined, world.host));
    expect(model.files.find(({ path }) => path === 'model.safetensors')).toMatchObject({ sizeBytes: 300_000 });
    expect(world.server.calls.filter(({ range }) => range !== null).every(({ range }) => range === 'bytes=0-0')).toBe(true);
    expect(isSame(await world.download(at(world)), world.weights())).toBe(true);
  });

  it('begins anew where it changed between two parts, in one session and after a reload', async () => {
    world = await openHubWorld();
    const change = (seed: number) => world.server.repos.get(ID)!.files.set('model.safetensors', randomBytes(300_000, seed));
    const cut = { path: /model\.safetensors$/, host: 'cdn' as const, times: 1, kind: 'cut' as const, afterBytes: 100_000 };
    world.server.faults.push({ ...cut });
    const changed = world.download(at(world), { onProgress: ({ doneBytes }) => doneBytes > 90_000 && doneBytes < 110_000 && change(21) });
    expect(isSame(await changed, randomBytes(300_000, 21))).toBe(true);
    expect(world.ranges()).toContain('bytes=100000-');

    await world.cache.delete((await world.cache.list())[0]!.key);
    const abort = new AbortController();
    world.server.faults.push({ ...cut, kind: 'slow', bytes: 50_000, pauseMs: 5 } as never);
    await expect(world.download(at(world), { signal: abort.signal, onProgress: ({ doneBytes }) => doneBytes > 90_000 && abort.abort() })).rejects.toMatchObject({ code: 'cancelled' });
    change(22);
    expect(isSame(await world.download(at(world)), randomBytes(300_000, 22))).toBe(true);
  });

  it('is never gone on with where nothing proves that it is the same file', async () => {
    world = await openHubWorld();
    world.server.faults.push({ path: /model\.safetensors$/, kind: 'noValidator' });
    const access = accessTo(undefined, world.host);
    const model = await world.cache.resolve(at(world), access);
    world.server.faults.push({ path: /model\.safetensors$/, host: 'cdn', times: 1, kind: 'cut', afterBytes: 100_000 });
    await world.cache.open(model, { access, signal: new AbortController().signal });
    expect(world.ranges().filter((range) => range !== null)).toEqual([]);
    expect(isSame((await world.store.read(`models/${model.key}/files/model.safetensors`))!, world.weights())).toBe(true);
  });

  it.each<[string, string, string, RegExp]>([
    ['no address', 'nowhere', 'bad-argument', /not an address/],
    ['an address with a password', 'http://a:b@localhost/', 'bad-argument', /password/],
    ['an address without a model', '/tests/none/resolve/main', 'access', /401/],
  ])('is refused when it is %s', async (_, address, code, message) => {
    world = await openHubWorld();
    const baseUrl = address.startsWith('/') ? world.server.endpoint + address : address;
    await expect(world.download({ kind: 'url', name: 'x', baseUrl })).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });
});
