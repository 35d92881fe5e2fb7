import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { zipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readWhole } from '../src/loader/modelFile.ts';
import { type HubServer, startHubServer } from '../src/testing/hubServer.ts';
import { publishedFiles } from '../src/testing/hubWorld.ts';
import { modelCacheFolder } from './modelCacheFolder.ts';
import { openModelOption, toHubAccess, toModelSource } from './modelOption.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sidestep-option-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('--model', () => {
  it('takes a folder, also one of links as the Hugging Face cache has them', async () => {
    const model = join(folder, 'linked');
    await mkdir(model, { recursive: true });
    await writeFile(join(folder, 'blob'), '{"a":1}');
    await symlink('../blob', join(model, 'config.json'));
    await symlink('../nowhere', join(model, 'broken.json'));
    expect(await toModelSource(model)).toMatchObject({ kind: 'files', name: 'linked', files: [{ path: 'config.json' }] });
    const source = await openModelOption(model);
    expect(new TextDecoder().decode(await readWhole((await source.open('config.json'))!, 100))).toBe('{"a":1}');
  });

  it('takes a zip archive, an address, and a model of the Hub with or without a revision', async () => {
    const zip = join(folder, 'my.zip');
    await writeFile(zip, zipSync({ 'm/config.json': new Uint8Array([123, 125]) }));
    expect(await toModelSource(zip)).toMatchObject({ kind: 'files', name: 'my', files: [{ path: 'my.zip' }] });
    expect(await (await openModelOption(zip)).list()).toEqual(['config.json']);
    expect(await toModelSource('https://example.org/models/tiny/')).toEqual({ kind: 'url', name: 'tiny', baseUrl: 'https://example.org/models/tiny/' });
    expect(await toModelSource('HuggingFaceTB/SmolLM2-135M')).toEqual({ kind: 'hub', id: 'HuggingFaceTB/SmolLM2-135M', revision: 'main' });
    expect(await toModelSource('a/b@refs/pr/1')).toEqual({ kind: 'hub', id: 'a/b', revision: 'refs/pr/1' });
  });

  it.each(['./nowhere', '/nowhere/at/all', 'gpt2', 'a/b/c', 'a/b@', ''])('refuses %j, naming what it could be', async (text) => {
    await expect(toModelSource(text)).rejects.toThrow(/there is no such folder.*Hub/);
  });

  it('keeps downloads where caches of this system lie, or where it is told', () => {
    expect(modelCacheFolder({ SIDESTEP_CACHE: '/x/y', XDG_CACHE_HOME: '/z' })).toBe('/x/y');
    expect(modelCacheFolder({ XDG_CACHE_HOME: '/z' })).toBe('/z/sidestep');
    expect(modelCacheFolder({})).toBe(join(homedir(), '.cache', 'sidestep'));
    expect(toHubAccess({ HF_ENDPOINT: 'https://mirror.example', HF_TOKEN: 't' })).toEqual({ endpoint: 'https://mirror.example', token: 't' });
    expect(toHubAccess({ HF_TOKEN: '' })).toEqual({});
  });

  it('downloads from HF_ENDPOINT with HF_TOKEN into that cache, and later does without the Hub', async () => {
    const server: HubServer = await startHubServer({ repos: { 'tests/tiny': { files: publishedFiles(), gated: 'auto' } } });
    const environment = { HF_ENDPOINT: server.endpoint, SIDESTEP_CACHE: join(folder, 'cache') };
    try {
      await expect(openModelOption('tests/tiny', environment)).rejects.toMatchObject({ code: 'access' });
      const source = await openModelOption('tests/tiny', { ...environment, HF_TOKEN: 'hf_right' });
      expect(await source.list()).toContain('model.safetensors');
    } finally {
      await server.close();
    }
    const again = await openModelOption('tests/tiny', environment);
    const weights = await readWhole((await again.open('model.safetensors'))!, 2 ** 20);
    expect(Buffer.compare(weights, publishedFiles().get('model.safetensors') as Uint8Array)).toBe(0);
    expect(await readdir(join(folder, 'cache'))).toEqual(['locks', 'models']);
  });
});
