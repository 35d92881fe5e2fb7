/** PEFT adapters with something wrong in them: an adapter or an EngineError, nothing else. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Rng } from '../base/rng.ts';
import { parseLmConfig } from '../config/lm.ts';
import { folderOfFiles } from '../loader/folderSource.ts';
import { fileOfBytes } from '../loader/modelFile.ts';
import { ADAPTER_CONFIG, ADAPTER_WEIGHTS, readPeftAdapter } from '../loader/peftAdapter.ts';
import { expectHandled, mutateBytes, mutateJson, mutateText } from './fuzz.ts';
import { startWatchdog, type Watchdog } from './watchdog.ts';

let watchdog: Watchdog;
beforeAll(() => (watchdog = startWatchdog(30_000)));
afterAll(() => watchdog.close());

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const reference = (path: string): Uint8Array => new Uint8Array(readFileSync(new URL(`./reference/${path}`, import.meta.url)));

const bases = ['llama-gqa-untied', 'gpt2-tied', 'gpt_neox-parallel'].map((name) => ({
  lm: parseLmConfig(JSON.parse(decode(reference(`${name}/config.json`)))),
  config: reference(`peft/${name}/${ADAPTER_CONFIG}`),
  weights: reference(`peft/${name}/${ADAPTER_WEIGHTS}`),
}));

/** A safetensors file whose header says something else. */
function withOtherHeader(file: Uint8Array, rng: Rng): Uint8Array {
  const length = Number(new DataView(file.buffer, file.byteOffset, 8).getBigUint64(0, true));
  const header = encode(JSON.stringify(mutateJson(JSON.parse(decode(file.subarray(8, 8 + length))), rng)));
  const changed = new Uint8Array(8 + header.length + file.length - 8 - length);
  new DataView(changed.buffer).setBigUint64(0, BigInt(header.length), true);
  changed.set(header, 8);
  changed.set(file.subarray(8 + length), 8 + header.length);
  return changed;
}

describe('malformed adapters', () => {
  it('are refused or read, whichever of their files is damaged (1200 cases)', async () => {
    const tally = { valid: 0, refused: 0 };
    for (let i = 0; i < 1200; i++) {
      const rng = new Rng(3).fork(i);
      const { lm, ...files } = bases[rng.int(bases.length)] as (typeof bases)[number];
      let { config, weights } = files;
      const kind = rng.int(4);
      if (kind <= 1) config = encode(JSON.stringify(mutateJson(JSON.parse(decode(config)), rng)));
      else if (kind === 2) weights = rng.next() < 0.7 ? withOtherHeader(weights, rng) : mutateBytes(weights, rng);
      else config = encode(mutateText(decode(config), rng));
      const source = folderOfFiles([fileOfBytes(ADAPTER_CONFIG, config), fileOfBytes(ADAPTER_WEIGHTS, weights)]);
      watchdog.enter(`adapter ${i}`);
      await expectHandled(`adapter ${i}`, config.length + weights.length, tally, async () => {
        for (const { data, shape } of (await readPeftAdapter(source, lm)).tensors.values()) expect(data.length).toBe(shape.reduce((product, dim) => product * dim, 1));
      });
    }
    expect(tally.refused).toBeGreaterThan(400);
    expect(tally.valid).toBeGreaterThan(100);
  });
});
