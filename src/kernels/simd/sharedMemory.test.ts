import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { expect, it } from 'vitest';
import { withSharedMemory } from './sharedMemory.ts';
import { plainSimdBase64 } from './simdBinary.ts';

const tfjsBinary = new Uint8Array(readFileSync(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm')));
const kernels = new Uint8Array(Buffer.from(plainSimdBase64, 'base64'));

it('changes one byte of the tfjs binary and of our own', () => {
  for (const binary of [tfjsBinary, kernels]) {
    const shared = withSharedMemory(binary);
    expect(shared.length).toBe(binary.length);
    expect(shared.reduce((count, byte, i) => count + (byte === binary[i] ? 0 : 1), 0)).toBe(1);
  }
});

it('lets two instances of our kernels see one shared memory, which the unshared build refuses', () => {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 2, shared: true });
  const imports = { env: { memory, abort: () => {}, log: Math.log } };
  expect(() => new WebAssembly.Instance(new WebAssembly.Module(withSharedMemory(kernels)), imports)).not.toThrow();
  expect(() => new WebAssembly.Instance(new WebAssembly.Module(kernels), imports)).toThrow(WebAssembly.LinkError);
});

it('refuses what it does not know', () => {
  const refuses = (bytes: number[], message: RegExp) => expect(() => withSharedMemory(Uint8Array.from(bytes))).toThrow(message);
  const start = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
  refuses([1, 2, 3], /does not begin/);
  refuses(start, /0 memories/);
  refuses([...start, 5, 3, 1, 0, 1], /limits of kind 0/); // no maximum
  refuses([...start, 5, 4, 1, 3, 1, 2], /limits of kind 3/); // shared already
  refuses([...start, 5, 7, 2, 1, 1, 2, 1, 1, 2], /2 memories/);
  refuses([...start, 5, 9, 1, 1, 1, 2], /another length/);
  refuses([...start, 5], /ends early/);
});
