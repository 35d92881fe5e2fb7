import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { countParameters } from '../config/lmParameters.ts';
import { urlSource } from './fetchFolder.ts';
import { filesSource } from './folderSource.ts';
import { openModelFolder, type FolderProgress, type ModelFolder } from './modelFolder.ts';
import { parseSafetensors, writeSafetensors, type TensorValues } from './safetensors.ts';
import { readTensors, type WeightTensor } from './storedTensor.ts';

const reference = new URL('../testing/reference/', import.meta.url);
const readAll = (folder: string) =>
  readdirSync(new URL(folder, reference)).map((path) => ({ path, bytes: new Uint8Array(readFileSync(new URL(`${folder}/${path}`, reference))) }));
const tokenizerFiles = readAll('tokenizer-bytelevel').filter(({ path }) => path.startsWith('tokenizer'));
/** A whole model folder as path → bytes. */
const folderOf = (name: string): Map<string, Uint8Array> =>
  new Map([...readAll(name).filter(({ path }) => !path.startsWith('reference.')), ...tokenizerFiles].map(({ path, bytes }) => [path, bytes]));
const sourceOf = (folder: Map<string, Uint8Array>) => filesSource([...folder].map(([path, bytes]) => ({ path, bytes })));
const valuesOf = (folder: ModelFolder): Promise<Map<string, WeightTensor>> => readTensors(folder.tensors);
const text = (value: string) => new TextEncoder().encode(value);

/** The folder with its weights changed. */
function withWeights(folder: Map<string, Uint8Array>, change: (tensors: Map<string, TensorValues>) => void): Map<string, Uint8Array> {
  const tensors = new Map<string, TensorValues>(parseSafetensors(folder.get('model.safetensors')!));
  change(tensors);
  return new Map(folder).set('model.safetensors', writeSafetensors(tensors, 'F32', { format: 'pt' }));
}

describe('a model folder', () => {
  it.each(['llama-gqa-untied', 'llama-mha-tied', 'llama-mqa-bf16'])('opens: %s as transformers saved it', async (name) => {
    const files = folderOf(name);
    const folder = await openModelFolder(sourceOf(files));
    let count = 0;
    for (const { data } of (await valuesOf(folder)).values()) count += data.length;
    expect(count).toBe(countParameters(folder.config));
    expect(folder.fingerprint).toBe(createHash('sha256').update(files.get('model.safetensors')!).digest('hex'));
    expect([...folder.otherFiles.keys()].sort()).toEqual(['config.json', 'tokenizer.json', 'tokenizer_config.json']);
    expect(folder.otherFiles.get('config.json')).toBe(files.get('config.json'));
    expect(folder.sizeBytes).toBe([...files.values()].reduce((sum, bytes) => sum + bytes.byteLength, 0));
  });

  it('carries card, chat template and other small files, but no other weights and no hidden files', async () => {
    const files = folderOf('llama-mha-tied').set('README.md', text('# Card')).set('chat_template.jinja', text('{{ x }}')).set('notes/a.txt', text('n'))
      .set('pytorch_model.bin', text('w')).set('.gitattributes', text('g'));
    const folder = await openModelFolder(sourceOf(files));
    expect(folder.card).toBe('# Card');
    expect(folder.chatTemplate).toBe('{{ x }}');
    expect([...folder.otherFiles.keys()].sort()).toEqual(['README.md', 'chat_template.jinja', 'config.json', 'notes/a.txt', 'tokenizer.json', 'tokenizer_config.json']);
  });

  it('strips a folder around the files', async () => {
    const nested = [...folderOf('llama-mha-tied')].map(([path, bytes]) => ({ path: `my-model/${path}`, bytes }));
    expect((await openModelFolder(filesSource(nested))).config.vocabSize).toBe(67);
  });

  it('takes a copy of a tied head and names it', async () => {
    const files = withWeights(folderOf('llama-mha-tied'), (tensors) => tensors.set('lm_head.weight', tensors.get('model.embed_tokens.weight')!));
    expect((await openModelFolder(sourceOf(files))).ignoredTensors).toEqual(['lm_head.weight']);
  });

  it('reads shards through their index', async () => {
    const files = folderOf('llama-gqa-untied');
    const whole = await openModelFolder(sourceOf(files));
    const halves = [new Map<string, TensorValues>(), new Map<string, TensorValues>()];
    const weightMap: Record<string, string> = {};
    const values = await valuesOf(whole);
    [...values].forEach(([name, tensor], i) => {
      halves[i % 2]!.set(name, tensor);
      weightMap[name] = `model-0000${(i % 2) + 1}-of-00002.safetensors`;
    });
    files.delete('model.safetensors');
    halves.forEach((half, i) => files.set(`model-0000${i + 1}-of-00002.safetensors`, writeSafetensors(half, 'F32', {})));
    files.set('model.safetensors.index.json', text(JSON.stringify({ weight_map: weightMap })));
    const sharded = await openModelFolder(sourceOf(files));
    const shardedValues = await valuesOf(sharded);
    for (const [name, { data }] of values) expect(shardedValues.get(name)!.data).toEqual(data);
    expect(sharded.fingerprint).not.toBe(whole.fingerprint);

    files.delete('model-00002-of-00002.safetensors');
    await expect(openModelFolder(sourceOf(files))).rejects.toMatchObject({ code: 'not-found', message: expect.stringContaining('model-00002-of-00002') });
    files.set('model.safetensors.index.json', text(JSON.stringify({ weight_map: { a: '../secret.safetensors' } })));
    await expect(openModelFolder(sourceOf(files))).rejects.toMatchObject({ code: 'bad-file' });
  });

  it('reads the first GPT-2 checkpoints: no prefix, causal masks among the weights', async () => {
    const files = folderOf('gpt2-tied');
    const today = await valuesOf(await openModelFolder(sourceOf(files)));
    const names = [...today].map(([name, tensor]): [string, TensorValues] => [name.replace(/^transformer\./, ''), tensor]);
    files.set('model.safetensors', writeSafetensors(new Map([...names, ['h.0.attn.bias', { shape: [1], data: new Float32Array(1) }]]), 'F32', {}));
    const first = await valuesOf(await openModelFolder(sourceOf(files)));
    expect([...first.keys()]).toEqual([...today.keys()]);
    for (const [name, { data }] of today) expect(first.get(name)!.data).toEqual(data);
  });

  it('passes over the masks of Pythia, whatever their number format, and no others of that format', async () => {
    const files = folderOf('gpt_neox-parallel');
    const today = await valuesOf(await openModelFolder(sourceOf(files)));
    const original = files.get('model.safetensors')!;
    const withMask = (name: string): Uint8Array => {
      const headerLength = Number(new DataView(original.buffer, original.byteOffset).getBigUint64(0, true));
      const data = original.subarray(8 + headerLength);
      const mask = { [name]: { dtype: 'BOOL', shape: [1, 1, 2, 2], data_offsets: [data.length, data.length + 4] } };
      const header = text(JSON.stringify({ ...(JSON.parse(new TextDecoder().decode(original.subarray(8, 8 + headerLength))) as object), ...mask }));
      const bytes = new Uint8Array(8 + header.length + data.length + 4);
      new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true);
      bytes.set(header, 8);
      bytes.set(data, 8 + header.length);
      return bytes;
    };
    const old = await valuesOf(await openModelFolder(sourceOf(files.set('model.safetensors', withMask('gpt_neox.layers.0.attention.bias')))));
    expect(old).toEqual(today);
    await expect(openModelFolder(sourceOf(files.set('model.safetensors', withMask('gpt_neox.layers.0.attention.mask'))))).rejects.toMatchObject({ code: 'unsupported', message: expect.stringMatching(/attention\.mask" is BOOL/) });
  });

  const base = folderOf('llama-gqa-untied');
  const without = (path: string) => { const files = new Map(base); files.delete(path); return files; };
  it.each<[string, Map<string, Uint8Array>, string, RegExp]>([
    ['no config', without('config.json'), 'not-found', /config\.json is missing/],
    ['no tokenizer', without('tokenizer.json'), 'not-found', /tokenizer\.json is missing/],
    ['a slow tokenizer only', without('tokenizer.json').set('tokenizer.model', text('x')), 'not-found', /There is tokenizer\.model, but only fast tokenizers.*save_pretrained/],
    ['no weights', without('model.safetensors'), 'not-found', /model\.safetensors is missing/],
    ['a config that is no JSON', new Map(base).set('config.json', text('{')), 'bad-file', /config\.json: not valid JSON/],
    ['another architecture', new Map(base).set('config.json', text('{"model_type":"mamba"}')), 'unsupported', /mamba/],
    ['cut weights', new Map(base).set('model.safetensors', base.get('model.safetensors')!.subarray(0, 20000)), 'bad-file', /^model\.safetensors: /],
    ['a missing parameter', withWeights(base, (tensors) => tensors.delete('model.layers.1.mlp.up_proj.weight')), 'bad-file', /"model\.layers\.1\.mlp\.up_proj\.weight" missing/],
    ['a misshapen parameter', withWeights(base, (tensors) => tensors.set('model.norm.weight', { shape: [3], data: new Float32Array(3) })), 'bad-file', /"model\.norm\.weight" is \[3\] but config\.json asks for \[20\]/],
    ['an unknown parameter', withWeights(base, (tensors) => tensors.set('model.layers.0.self_attn.q_proj.bias', { shape: [1], data: new Float32Array(1) })), 'unsupported', /q_proj\.bias/],
  ])('is refused with %s', async (_, files, code, message) => {
    await expect(openModelFolder(sourceOf(files))).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });
});

describe('a folder under an address', () => {
  const files = folderOf('llama-gqa-untied').set('model.safetensors', writeSafetensors(parseSafetensors(base().get('model.safetensors')!), 'F32', {}));
  function base() { return folderOf('llama-gqa-untied'); }
  let server: Server;
  let origin = '';
  const requested: string[] = [];
  beforeAll(async () => {
    server = createServer((request, response) => {
      const url = request.url ?? '';
      requested.push(url);
      if (url.startsWith('/broken/')) return void response.writeHead(503).end();
      if (url.startsWith('/gated/')) return void response.writeHead(403).end();
      if (url.startsWith('/slow/')) return void response.writeHead(200, { 'content-length': '1000' }).write('{');
      if (url.startsWith('/cut/')) { response.writeHead(200, { 'content-length': '1000' }).write('{'); return void setImmediate(() => response.destroy()); }
      const bytes = files.get(url.replace(/^\/(app|model)\//, ''));
      if (bytes) return void response.writeHead(200, { 'content-length': bytes.byteLength }).end(bytes);
      if (url.startsWith('/app/')) return void response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html>');
      response.writeHead(404).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => { server.closeAllConnections(); server.close(); });

  it('opens, with progress that never falls and ends at the total', async () => {
    const seen: FolderProgress[] = [];
    const folder = await openModelFolder(urlSource(`${origin}/model`), { onProgress: (progress) => seen.push(progress) });
    expect(folder.config.vocabSize).toBe(101);
    const reading = seen.filter(({ phase }) => phase === 'reading');
    for (let i = 1; i < reading.length; i++) expect(reading[i]!.loadedBytes).toBeGreaterThanOrEqual(reading[i - 1]!.loadedBytes);
    expect(reading.at(-1)).toEqual({ phase: 'reading', path: 'model.safetensors', loadedBytes: folder.sizeBytes, totalBytes: folder.sizeBytes });
    const weightsBytes = files.get('model.safetensors')!.byteLength;
    expect(seen.at(-1)).toEqual({ phase: 'hashing', path: 'model.safetensors', loadedBytes: weightsBytes, totalBytes: weightsBytes });
  });

  it('asks for no file that is certain to be absent', () => {
    expect(requested.filter((url) => url.startsWith('/model/')).map((url) => url.slice(7)).sort()).toEqual(
      ['README.md', 'config.json', 'generation_config.json', 'model.safetensors', 'tokenizer.json', 'tokenizer_config.json']);
  });

  it('takes the page of a single-page app for an absent file', async () => {
    expect((await openModelFolder(urlSource(`${origin}/app/`))).card).toBeNull();
  });

  it.each([['broken', /503/], ['gated', /403.*drop them here/], ['cut', /\/cut\/config\.json/]])('fails with a clear message: %s', async (path, message) => {
    await expect(openModelFolder(urlSource(`${origin}/${path}/`))).rejects.toMatchObject({ code: 'network', message: expect.stringMatching(message) });
  });

  it('says so when there is no server', async () => {
    await expect(openModelFolder(urlSource('http://127.0.0.1:1/'))).rejects.toMatchObject({ code: 'network', message: expect.stringContaining('http://127.0.0.1:1/config.json') });
  });

  it('stops when asked to', async () => {
    const abort = new AbortController();
    const opening = openModelFolder(urlSource(`${origin}/slow/`, abort.signal), { onProgress: () => abort.abort() });
    await expect(opening).rejects.toMatchObject({ code: 'cancelled' });
  });
});
