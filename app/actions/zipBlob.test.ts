import { unzipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { zipBlob } from './zipBlob.ts';

describe('packing large files', () => {
  it('gives back every byte, also of files longer than a piece and of empty ones', async () => {
    const long = new Uint8Array(9 * 2 ** 20).map((_, i) => (i * 31) >>> 3);
    const zip = await zipBlob([{ path: 'model.safetensors', data: new Blob([long]) }, { path: 'empty.txt', data: new Blob([]) }], 'lm');
    const unpacked = unzipSync(new Uint8Array(await zip.arrayBuffer()));
    expect(Object.keys(unpacked)).toEqual(['lm/model.safetensors', 'lm/empty.txt']);
    expect(Buffer.compare(unpacked['lm/model.safetensors']!, long)).toBe(0);
    expect(unpacked['lm/empty.txt']).toHaveLength(0);
  });

  it('gives the same bytes for the same files', async () => {
    const pack = async () => Buffer.from(await (await zipBlob([{ path: 'a', data: new Blob(['x']) }], 'f')).arrayBuffer());
    expect(Buffer.compare(await pack(), await pack())).toBe(0);
  });
});
