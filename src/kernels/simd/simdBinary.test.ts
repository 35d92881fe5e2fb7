import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { plainSimdBase64, relaxedSimdBase64 } from './simdBinary.ts';

it('simdBinary.ts is what the assembly folder builds', async () => {
  const { generateSimdBinary } = (await import(new URL('../../../scripts/buildWasm.mjs', import.meta.url).href)) as { generateSimdBinary(): Promise<string> };
  expect(readFileSync(new URL('./simdBinary.ts', import.meta.url), 'utf8') === (await generateSimdBinary()), 'run "npm run build:wasm"').toBe(true);
});

it('the plain module imports the heap, maths and nothing else, and owns no memory', () => {
  const module = new WebAssembly.Module(Buffer.from(plainSimdBase64, 'base64'));
  expect(WebAssembly.Module.imports(module).map((i) => `${i.module}.${i.name}`).sort()).toEqual(['env.log', 'env.memory']);
  expect(WebAssembly.Module.exports(module).every((e) => e.kind === 'function')).toBe(true);
  // Section ids 8 (start) and 11 (data) would write into tfjs' heap.
  for (const text of [plainSimdBase64, relaxedSimdBase64]) expect(sectionIds(Buffer.from(text, 'base64')).filter((id) => id === 8 || id === 11)).toEqual([]);
});

/** Ids of the sections of a WebAssembly binary. */
function sectionIds(bytes: Uint8Array): number[] {
  const ids: number[] = [];
  let at = 8;
  while (at < bytes.length) {
    ids.push(bytes[at++]!);
    let size = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++]!;
      size |= (byte & 127) << shift;
      if (byte < 128) break;
    }
    at += size;
  }
  return ids;
}
