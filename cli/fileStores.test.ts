import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createMemoryFileStore } from '../src/loader/memoryFileStore.ts';
import type { RangeStore } from '../src/loader/rangeStore.ts';
import { createNodeFileStore } from './nodeFileStore.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'store-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const text = (s: string) => new TextEncoder().encode(s);
const stores: [string, () => RangeStore][] = [
  ['memory', () => createMemoryFileStore()],
  ['disk', () => createNodeFileStore(join(folder, 'a'))],
];

describe.each(stores)('the %s file store', (_, create) => {
  it('reads back what was written, and replaces it whole', async () => {
    const store = create();
    await store.write('runs/1/run.json', text('long old text'));
    await store.write('runs/1/run.json', text('new'));
    expect(await store.read('runs/1/run.json')).toEqual(text('new'));
  });
  it('does not share memory with the caller', async () => {
    const store = create();
    const bytes = text('abc');
    await store.write('x', bytes);
    bytes[0] = 0;
    const back = (await store.read('x')) as Uint8Array;
    back[1] = 0;
    expect(await store.read('x')).toEqual(text('abc'));
  });
  it('lists files at any depth, measures and removes folders', async () => {
    const store = create();
    await store.write('r/b/2', text('22'));
    await store.write('r/a', text('1'));
    await store.write('rr/other', text('other'));
    expect(await store.list('r')).toEqual(['r/a', 'r/b/2']);
    expect(await store.size('r')).toBe(3);
    expect(await store.size('r/a')).toBe(1);
    await store.remove('r');
    expect(await store.list('r')).toEqual([]);
    expect(await store.list('rr')).toEqual(['rr/other']);
    await store.remove('r');
  });
  it('answers null, nothing and 0 for what does not exist', async () => {
    const store = create();
    expect(await store.read('none/at/all')).toBeNull();
    expect(await store.list('none')).toEqual([]);
    expect(await store.size('none')).toBe(0);
  });
  it.each(['', '/etc/passwd', '../up', 'a//b', 'a/./b', 'a\\b', 'c:', 'a.partial'])('refuses the path %j', async (path) => {
    const store = create();
    await expect((async () => store.read(path))()).rejects.toMatchObject({ code: 'bad-argument' });
  });
});

describe.each(stores)('large files in the %s store', (_, create) => {
  it('grow at their end, are read by ranges, and go on where they were closed', async () => {
    const store = create();
    expect(await store.openReader('big/w')).toBeNull();
    const first = await store.openWriter('big/w');
    await first.append(text('hello '));
    await first.append(text('wor'));
    await first.close();
    const second = await store.openWriter('big/w');
    expect(second.sizeBytes).toBe(9);
    await second.append(text('ld!?'));
    await second.truncate(12);
    expect(await second.read(4, 8)).toEqual(text('o wo'));
    await second.close();
    const reader = (await store.openReader('big/w'))!;
    expect(reader.sizeBytes).toBe(12);
    expect(await reader.read(6, 12)).toEqual(text('world!'));
    expect(await store.read('big/w')).toEqual(text('hello world!'));
    await expect(reader.read(6, 13)).rejects.toMatchObject({ code: 'storage' });
    await store.remove('big');
  });
  it('are kept from a second writer by a lock, which an error frees', async () => {
    const store = create();
    await store.exclusively('demo/model', async () => {
      await expect(store.exclusively('demo/model', async () => 1)).rejects.toMatchObject({ code: 'busy', message: expect.stringContaining('demo/model') });
      expect(await store.exclusively('other', async () => 2)).toBe(2);
    });
    await expect(store.exclusively('demo/model', () => Promise.reject(new Error('x')))).rejects.toThrow('x');
    expect(await store.exclusively('demo/model', async () => 3)).toBe(3);
  });
});

describe('the disk file store', () => {
  it('takes over the lock of a program that has ended, and respects that of one that runs', async () => {
    const store = createNodeFileStore(folder);
    await mkdir(join(folder, 'locks'), { recursive: true });
    // The parent of this process certainly runs; ids beyond 2^22 are never given.
    await writeFile(join(folder, 'locks', 'm'), String(process.ppid));
    await expect(store.exclusively('m', async () => 1)).rejects.toMatchObject({ code: 'busy' });
    await writeFile(join(folder, 'locks', 'm'), '99999999');
    expect(await store.exclusively('m', async () => 2)).toBe(2);
  });
  it('tells how much the disk still takes', async () => {
    const { quotaBytes } = (await createNodeFileStore(folder).estimate())!;
    expect(quotaBytes).toBeGreaterThan(2 ** 20);
  });
  it('never shows a file that a crash left half-written', async () => {
    const store = createNodeFileStore(folder);
    await store.write('r2/good', text('good'));
    await writeFile(join(folder, 'r2', 'bad.partial'), 'half');
    expect(await store.list('r2')).toEqual(['r2/good']);
  });
  it('turns system errors into storage errors that name the action', async () => {
    await writeFile(join(folder, 'file'), '');
    const store = createNodeFileStore(join(folder, 'file'));
    await expect(store.write('x', text('x'))).rejects.toMatchObject({ code: 'storage', message: expect.stringContaining('Writing x') });
  });
});

describe('the memory file store', () => {
  it('says that nothing outlives the page, and why', () => {
    expect(createMemoryFileStore('the browser refused storage.').notice).toContain('the browser refused storage');
  });
});
