import fc from 'fast-check';
import { unzipSync, zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { EngineError } from '../base/errors.ts';
import { fileOfBlob, fileOfBytes, readWhole, type ModelFile } from './modelFile.ts';
import { openGivenFiles, openZip } from './zipFolder.ts';

const text = (value: string) => new TextEncoder().encode(value);
const weights = Uint8Array.from({ length: 30_000 }, (_, i) => (i * i) & 63);
const content = { 'm/config.json': text('{"a":1}'), 'm/model.safetensors': weights };
const archive = (level: 0 | 6) => zipSync(content, { level });

/** Every byte that is read of a file is counted. */
function counting(file: ModelFile): { file: ModelFile; readBytes: () => number } {
  let readBytes = 0;
  return { file: { ...file, read: (begin, end) => ((readBytes += end - begin), file.read(begin, end)) }, readBytes: () => readBytes };
}

describe('a zip archive', () => {
  it.each([0, 6] as const)('gives its files back, as a folder without the one around them (level %i)', async (level) => {
    const folder = await openGivenFiles([{ path: 'my model.ZIP', data: new Blob([archive(level) as Uint8Array<ArrayBuffer>]) }]);
    expect(await folder.list()).toEqual(['config.json', 'model.safetensors']);
    const file = (await folder.open('model.safetensors'))!;
    expect(await readWhole(file, 2 ** 20)).toEqual(weights);
    expect(await file.read(12_345, 12_445)).toEqual(weights.slice(12_345, 12_445));
    expect(await folder.open('other')).toBeNull();
  });

  it('reads of stored entries what is asked for and no more', async () => {
    const { file, readBytes } = counting(fileOfBytes('a.zip', archive(0)));
    const model = (await openZip(file)).find(({ path }) => path.endsWith('.safetensors'))!;
    const before = readBytes();
    await model.read(1000, 1100);
    expect(readBytes() - before).toBe(130);
  });

  it('reads the archives of large files, whose sizes stand in extra fields', async () => {
    // One stored entry "w" of 5 bytes, written with 64-bit sizes as tools do for streams.
    const u16 = (n: number) => [n & 255, n >> 8];
    const u32 = (n: number) => [...u16(n & 0xffff), ...u16(n >>> 16)];
    const u64 = (n: number) => [...u32(n), 0, 0, 0, 0];
    const local = [...u32(0x04034b50), ...u16(45), ...u16(0), ...u16(0), ...u32(0), ...u32(0), ...u32(0xffffffff), ...u32(0xffffffff), ...u16(1), ...u16(20), 119, ...u16(1), ...u16(16), ...u64(5), ...u64(5)];
    const data = [...text('12345')];
    const directory = [...u32(0x02014b50), ...u16(45), ...u16(45), ...u16(0), ...u16(0), ...u32(0), ...u32(0), ...u32(0xffffffff), ...u32(0xffffffff), ...u16(1), ...u16(28), ...u16(0), ...u16(0), ...u16(0), ...u32(0), ...u32(0xffffffff), 119, ...u16(1), ...u16(24), ...u64(5), ...u64(5), ...u64(0)];
    const at = local.length + data.length;
    const record = [...u32(0x06064b50), ...u64(44), ...u16(45), ...u16(45), ...u32(0), ...u32(0), ...u64(1), ...u64(1), ...u64(directory.length), ...u64(at)];
    const locator = [...u32(0x07064b50), ...u32(0), ...u64(at + directory.length), ...u32(1)];
    const end = [...u32(0x06054b50), ...u16(0), ...u16(0), ...u16(0xffff), ...u16(0xffff), ...u32(0xffffffff), ...u32(0xffffffff), ...u16(0)];
    const [file] = await openZip(fileOfBytes('large.zip', Uint8Array.from([...local, ...data, ...directory, ...record, ...locator, ...end])));
    expect(file).toMatchObject({ path: 'w', sizeBytes: 5 });
    expect(await file!.read(1, 3)).toEqual(text('23'));
  });

  it('never inflates more than the directory promises', async () => {
    const bytes = archive(6);
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    // The uncompressed size of the second entry of the directory.
    const signatures = [...bytes.keys()].filter((at) => at + 4 <= bytes.length && view.getUint32(at, true) === 0x02014b50);
    view.setUint32(signatures[1]! + 24, 1000, true);
    const file = (await openZip(fileOfBytes('bomb.zip', bytes)))[1]!;
    await expect(file.read(0, 1)).rejects.toMatchObject({ code: 'bad-file', message: expect.stringContaining('more bytes than its 1000') });
  });

  it.each<[string, () => Uint8Array, string]>([
    ['no archive', () => text('not a zip'.repeat(10)), 'bad-file'],
    ['nothing', () => new Uint8Array(0), 'bad-file'],
    ['half an archive', () => archive(6).slice(0, -30), 'bad-file'],
    ['an encrypted entry', () => { const bytes = archive(6); const view = new DataView(bytes.buffer); for (let at = 0; at + 4 <= bytes.length; at++) if (view.getUint32(at, true) === 0x02014b50) bytes[at + 8]! |= 1; return bytes; }, 'unsupported'],
    ['an unknown method', () => { const bytes = archive(6); const view = new DataView(bytes.buffer); for (let at = 0; at + 4 <= bytes.length; at++) if (view.getUint32(at, true) === 0x02014b50) bytes[at + 10] = 12; return bytes; }, 'unsupported'],
  ])('is refused when it is %s', async (_, bytes, code) => {
    await expect(openZip(fileOfBytes('x.zip', bytes()))).rejects.toMatchObject({ code });
  });

  it('answers any change of its bytes with files or an EngineError', async () => {
    const valid = zipSync({ a: text('hello hello hello'), b: text('x') });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { minLength: 1, maxLength: 3 }), fc.nat(valid.length), async (changes, length) => {
        const bytes = valid.slice(0, Math.max(length, valid.length - 40));
        for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
        try {
          for (const file of await openZip(fileOfBlob('x.zip', new Blob([bytes])))) if (file.sizeBytes < 1e6) await readWhole(file, 1e6);
        } catch (error) {
          if (!(error instanceof EngineError)) throw error;
        }
      }),
      { numRuns: 1000 },
    );
    expect(Object.keys(unzipSync(valid))).toEqual(['a', 'b']);
  });
});
