/** Weights files, their index, configs and whole folders with something wrong in them: a model or an EngineError, nothing else. */
import { readFileSync, readdirSync, existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Rng } from '../base/rng.ts';
import { parseLmConfig } from '../config/lm.ts';
import { countParameters, parameterShapes } from '../config/lmParameters.ts';
import { folderOfFiles } from '../loader/folderSource.ts';
import { fileOfBytes } from '../loader/modelFile.ts';
import { openModelFolder } from '../loader/modelFolder.ts';
import { parseSafetensors, readSafetensorsHeader, writeSafetensors } from '../loader/safetensors.ts';
import { readTensor } from '../loader/storedTensor.ts';
import { parseIndex } from '../loader/weightFiles.ts';
import { expectHandled, mutateBytes, mutateJson, mutateText, type Tally } from './fuzz.ts';
import { startWatchdog, type Watchdog } from './watchdog.ts';

let watchdog: Watchdog;
beforeAll(() => (watchdog = startWatchdog(30_000)));
afterAll(() => watchdog.close());

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const reference = (path: string): Uint8Array => new Uint8Array(readFileSync(new URL(`./reference/${path}`, import.meta.url)));
const json = (path: string): unknown => JSON.parse(new TextDecoder().decode(reference(path)));

async function fuzz(name: string, cases: number, make: (rng: Rng) => { bytes: number; run(): unknown }): Promise<Tally> {
  const tally = { valid: 0, refused: 0 };
  for (let i = 0; i < cases; i++) {
    const label = `${name} ${i}`;
    const { bytes, run } = make(new Rng(1).fork(label));
    watchdog.enter(label);
    await expectHandled(label, bytes, tally, run);
  }
  return tally;
}

function fileWith(header: string, dataBytes: number): Uint8Array {
  const text = encode(header);
  const file = new Uint8Array(8 + text.length + dataBytes);
  new DataView(file.buffer).setBigUint64(0, BigInt(text.length), true);
  file.set(text, 8);
  return file;
}

async function readEverything(file: Uint8Array): Promise<void> {
  const whole = (): unknown => parseSafetensors(file);
  let failure: unknown = null;
  try {
    for (const tensor of (await readSafetensorsHeader(fileOfBytes('x.safetensors', file))).values()) {
      const { data, shape } = await readTensor(tensor);
      expect(data.length).toBe(shape.reduce((product, dim) => product * dim, 1));
    }
  } catch (thrown) {
    failure = thrown;
  }
  // Both ways of reading say the same.
  if (failure === null) whole();
  else {
    expect(whole).toThrow();
    throw failure;
  }
}

const SMALL = writeSafetensors(
  new Map([
    ['a.weight', { shape: [3, 4], data: new Float32Array(12).fill(0.5) }],
    ['__proto__', { shape: [2], data: new Float32Array(2) }],
    ['b', { shape: [0, 7], data: new Float32Array(0) }],
    ['c', { shape: [], data: new Float32Array(1) }],
  ]),
  'F32',
  { format: 'pt' },
);
const HEADER = { 'a.weight': { dtype: 'F32', shape: [3, 4], data_offsets: [0, 48] }, b: { dtype: 'F16', shape: [2, 2], data_offsets: [48, 56] }, c: { dtype: 'BF16', shape: [4], data_offsets: [56, 64] }, __metadata__: { format: 'pt' } };

describe('malformed safetensors', () => {
  it('are refused or read when their bytes are changed (1500 cases)', async () => {
    const tally = await fuzz('bytes', 1500, (rng) => {
      let file = mutateBytes(SMALL, rng);
      if (rng.next() < 0.3) file = mutateBytes(file, rng);
      return { bytes: file.length, run: () => readEverything(file) };
    });
    expect(tally.refused).toBeGreaterThan(600);
    expect(tally.valid).toBeGreaterThan(20);
  });

  it('are refused or read when their header says something else (1500 cases)', async () => {
    const tally = await fuzz('header', 1500, (rng) => {
      const text = JSON.stringify(mutateJson(HEADER, rng));
      const file = fileWith(rng.next() < 0.3 ? mutateText(text, rng) : text, 64);
      return { bytes: file.length, run: () => readEverything(file) };
    });
    expect(tally.refused).toBeGreaterThan(900);
    expect(tally.valid).toBeGreaterThan(20);
  });

  it.each([
    ['shapes whose product overflows', '{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}', 0],
    ['shapes whose product overflows to zero', '{"a":{"dtype":"F32","shape":[9007199254740991,9007199254740991,9007199254740991,0],"data_offsets":[0,4]}}', 4],
    ['shapes of a thousand dimensions', `{"a":{"dtype":"F32","shape":[${Array(1000).fill(10).join()}],"data_offsets":[0,4]}}`, 4],
    ['names that appear twice, overlapping', '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}', 12],
    ['overlapping tensors', '{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}', 8],
    ['a gap', '{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}', 8],
    ['negative offsets', '{"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}}', 4],
    ['offsets beyond the file', '{"a":{"dtype":"F32","shape":[1000000],"data_offsets":[0,4000000]}}', 4],
    ['deep nesting', `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`, 0],
    ['an array for a header', '[]', 0],
    ['an empty header', '', 0],
    ['a header of spaces', ' '.repeat(100), 0],
    ['metadata that is no text', '{"__metadata__":{"a":1}}', 0],
    ['a prototype for an entry', '{"__proto__":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":1}', 4],
    ['numbers beyond all numbers', '{"a":{"dtype":"F32","shape":[1e999],"data_offsets":[0,4]}}', 4],
  ])('are refused for %s', async (name, header, dataBytes) => {
    const file = fileWith(header, dataBytes);
    const tally = { valid: 0, refused: 0 };
    watchdog.enter(name);
    await expectHandled(name, file.length, tally, () => readEverything(file));
    expect(tally).toEqual({ valid: 0, refused: 1 });
  });

  it('have an index that is refused or read (700 cases)', async () => {
    const index = { metadata: { total_size: 96 }, weight_map: { 'a.weight': 'model-00001-of-00002.safetensors', b: 'model-00002-of-00002.safetensors' } };
    const tally = await fuzz('index', 700, (rng) => {
      const text = JSON.stringify(mutateJson(index, rng));
      const bytes = encode(rng.next() < 0.3 ? mutateText(text, rng) : text);
      return { bytes: bytes.length, run: () => parseIndex(bytes) };
    });
    expect(tally.refused).toBeGreaterThan(200);
    expect(tally.valid).toBeGreaterThan(50);
  });
});

const folders = readdirSync(new URL('./reference/', import.meta.url)).filter((name) => existsSync(new URL(`./reference/${name}/config.json`, import.meta.url)));

describe('malformed configs', () => {
  it('of every family are refused or give an LM whose parameters can be counted (1800 cases)', async () => {
    const configs = folders.map((folder) => json(`${folder}/config.json`));
    expect(new Set(configs.map((config) => (config as { model_type: string }).model_type)).size).toBeGreaterThanOrEqual(7);
    const tally = await fuzz('config', 1800, (rng) => {
      const config = mutateJson(configs[rng.int(configs.length)], rng);
      return {
        bytes: JSON.stringify(config).length * 1000,
        run() {
          const parsed = parseLmConfig(config);
          const count = countParameters(parsed);
          expect(count).toBeGreaterThan(0);
          for (const shape of parameterShapes(parsed).values()) for (const dim of shape) expect(Number.isSafeInteger(dim) && dim > 0).toBe(true);
          for (const value of [parsed.normEps, parsed.attentionScale, parsed.embeddingScale, parsed.maxPositionEmbeddings]) expect(Number.isFinite(value) && value > 0).toBe(true);
          expect(parsed.layerTypes).toHaveLength(parsed.numHiddenLayers);
        },
      };
    });
    expect(tally.refused).toBeGreaterThan(500);
    expect(tally.valid).toBeGreaterThan(300);
  });
});

describe('malformed model folders', () => {
  it('are refused or opened, whichever file is damaged (400 cases)', async () => {
    const base = new Map<string, Uint8Array>([
      ['config.json', reference('llama-gqa-untied/config.json')],
      ['model.safetensors', reference('llama-gqa-untied/model.safetensors')],
      ['tokenizer.json', encode(JSON.stringify({ model: { type: 'BPE', vocab: { a: 0 }, merges: [] } }))],
      ['tokenizer_config.json', encode('{"eos_token":"a"}')],
      ['generation_config.json', encode('{"eos_token_id":0}')],
    ]);
    const names = [...base.keys()];
    const tally = await fuzz('folder', 400, (rng) => {
      const files = new Map(base);
      const damaged = names[rng.int(names.length)] as string;
      const bytes = base.get(damaged) as Uint8Array;
      if (rng.next() < 0.1) files.delete(damaged);
      else if (damaged.endsWith('.json') && rng.next() < 0.5) files.set(damaged, encode(JSON.stringify(mutateJson(JSON.parse(new TextDecoder().decode(bytes)), rng))));
      // The header is where the structure is.
      else files.set(damaged, damaged === 'model.safetensors' ? new Uint8Array([...mutateBytes(bytes.slice(0, 3000), rng), ...bytes.slice(3000)]) : mutateBytes(bytes, rng));
      const source = folderOfFiles([...files].map(([path, data]) => fileOfBytes(path, data)));
      return { bytes: [...files.values()].reduce((sum, data) => sum + data.length, 0), run: () => openModelFolder(source) };
    });
    expect(tally.refused).toBeGreaterThan(150);
    expect(tally.valid).toBeGreaterThan(20);
  });
});
