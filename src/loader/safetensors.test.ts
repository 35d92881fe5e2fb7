import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EngineError } from '../base/errors.ts';
import { fromHalfBits, toHalfBits } from '../base/halfFloat.ts';
import { fileOfBytes, type ModelFile } from './modelFile.ts';
import { parseSafetensors, readSafetensorsHeader, writeSafetensors } from './safetensors.ts';
import { readTensors } from './storedTensor.ts';

function file(header: unknown, data: number | Uint8Array = 0): Uint8Array {
  const json = typeof header === 'string' ? new TextEncoder().encode(header) : new TextEncoder().encode(JSON.stringify(header));
  const body = typeof data === 'number' ? new Uint8Array(data) : data;
  const bytes = new Uint8Array(8 + json.length + body.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  bytes.set(body, 8 + json.length);
  return bytes;
}

function codeOf(bytes: Uint8Array): string {
  try {
    parseSafetensors(bytes);
    return 'accepted';
  } catch (error) {
    return error instanceof EngineError ? error.code : `not an EngineError: ${error}`;
  }
}

/** What reading the header alone says of the same bytes. */
async function headerCodeOf(bytes: Uint8Array): Promise<string> {
  try {
    await readSafetensorsHeader(fileOfBytes('w', bytes));
    return 'accepted';
  } catch (error) {
    return error instanceof EngineError ? error.code : `not an EngineError: ${error}`;
  }
}

const tensorsArbitrary = fc
  .uniqueArray(fc.tuple(fc.string({ maxLength: 8 }).filter((name) => name !== '__metadata__'), fc.array(fc.nat(4), { maxLength: 3 })), { selector: ([name]) => name, maxLength: 5 })
  .chain((entries) =>
    fc.tuple(...entries.map(([name, shape]) => {
      const size = shape.reduce((a, b) => a * b, 1);
      return fc.array(fc.float({ min: -60000, max: 60000 }), { minLength: size, maxLength: size }).map((data) => [name, { shape, data: Float32Array.from(data) }] as const);
    })),
  )
  .map((entries) => new Map(entries));

describe('safetensors', () => {
  it('writes what it reads, in F32 bit by bit and in F16 rounded', () => {
    fc.assert(
      fc.property(tensorsArbitrary, fc.constantFrom('F32' as const, 'F16' as const), (tensors, dtype) => {
        const parsed = parseSafetensors(writeSafetensors(tensors, dtype, { format: 'pt' }));
        expect([...parsed.keys()].sort()).toEqual([...tensors.keys()].sort());
        for (const [name, { shape, data }] of tensors) {
          const back = parsed.get(name)!;
          expect(back.shape).toEqual(shape);
          expect(back.dtype).toBe(dtype);
          expect(back.data).toEqual(dtype === 'F32' ? data : data.map((x) => fromHalfBits(toHalfBits(x))));
        }
      }),
      { numRuns: 200 },
    );
  });

  it('reads tensors at any byte offset', () => {
    const tensors = new Map([['w', { shape: [2], data: Float32Array.from([1.5, -2]) }]]);
    const written = writeSafetensors(tensors, 'F32', {});
    const shifted = new Uint8Array(written.length + 1);
    shifted.set(written, 1);
    expect([...parseSafetensors(shifted.subarray(1)).get('w')!.data]).toEqual([1.5, -2]);
  });

  it.each(['llama-gqa-untied', 'llama-mha-tied', 'llama-mqa-bf16'])('reads the file that Python wrote for %s', (name) => {
    const bytes = readFileSync(new URL(`../testing/reference/${name}/model.safetensors`, import.meta.url));
    const tensors = parseSafetensors(bytes);
    expect(tensors.get('model.norm.weight')!.shape).toHaveLength(1);
    for (const { shape, data } of tensors.values()) {
      expect(data.length).toBe(shape.reduce((a, b) => a * b, 1));
      expect(data.every(Number.isFinite)).toBe(true);
    }
  });

  it.each<[string, Uint8Array]>([
    ['an empty file', new Uint8Array(0)],
    ['a length without a header', new Uint8Array(8).fill(255)],
    ['a header longer than the file', file('{}').subarray(0, 9)],
    ['a header over the cap', (() => { const bytes = new Uint8Array(16); new DataView(bytes.buffer).setBigUint64(0, 200_000_000n, true); return bytes; })()],
    ['a header that is no JSON', file('{"a":')],
    ['a header that is no UTF-8', file(String.fromCharCode(0)).fill(0xff, 8)],
    ['a header that is a list', file([])],
    ['a tensor that is text', file({ a: 'x' })],
    ['an unknown dtype', file({ a: { dtype: 'F99', shape: [1], data_offsets: [0, 4] } }, 4)],
    ['a dtype from the prototype', file({ a: { dtype: 'toString', shape: [1], data_offsets: [0, 4] } }, 4)],
    ['a negative dimension', file({ a: { dtype: 'F32', shape: [-1], data_offsets: [0, 4] } }, 4)],
    ['a fractional dimension', file({ a: { dtype: 'F32', shape: [0.5, 2], data_offsets: [0, 4] } }, 4)],
    ['a shape whose product overflows', file({ a: { dtype: 'F32', shape: [2 ** 52, 2 ** 52], data_offsets: [0, 4] } }, 4)],
    ['a shape that needs other bytes', file({ a: { dtype: 'F16', shape: [3], data_offsets: [0, 4] } }, 4)],
    ['offsets behind the end', file({ a: { dtype: 'F32', shape: [2], data_offsets: [0, 8] } }, 4)],
    ['offsets in reverse', file({ a: { dtype: 'F32', shape: [0], data_offsets: [4, 0] } }, 4)],
    ['offsets missing', file({ a: { dtype: 'F32', shape: [1] } }, 4)],
    ['overlapping tensors', file({ a: { dtype: 'F32', shape: [1], data_offsets: [0, 4] }, b: { dtype: 'F32', shape: [1], data_offsets: [2, 6] } }, 6)],
    ['a gap between tensors', file({ a: { dtype: 'F32', shape: [1], data_offsets: [0, 4] }, b: { dtype: 'F32', shape: [1], data_offsets: [8, 12] } }, 12)],
    ['bytes after the last tensor', file({ a: { dtype: 'F32', shape: [1], data_offsets: [0, 4] } }, 5)],
    ['metadata that is no map of text', file({ __metadata__: { a: 1 } })],
    ['a tensor given twice', file('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}', 8)],
  ])('refuses %s, also from the header alone', async (_, bytes) => {
    expect(codeOf(bytes)).toBe('bad-file');
    expect(await headerCodeOf(bytes)).toBe('bad-file');
  });

  it('names the dtypes it does not support', () => {
    expect(() => parseSafetensors(file({ a: { dtype: 'I64', shape: [1], data_offsets: [0, 8] } }, 8))).toThrow(/"a" is I64/);
  });

  it('takes "__proto__" as a name like any other', () => {
    const tensors = parseSafetensors(file('{"__proto__":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', 4));
    expect([...tensors.keys()]).toEqual(['__proto__']);
    expect(({} as Record<string, unknown>)['dtype']).toBeUndefined();
    expect([...parseSafetensors(writeSafetensors(tensors, 'F16', {})).keys()]).toEqual(['__proto__']);
  });

  it('answers any bytes with tensors or an EngineError', () => {
    const valid = writeSafetensors(new Map([['a', { shape: [2, 3], data: new Float32Array(6) }], ['b', { shape: [1], data: new Float32Array(1) }]]), 'F16', { format: 'pt' });
    const codes = ['accepted', 'bad-file', 'unsupported'];
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => codes.includes(codeOf(bytes))), { numRuns: 500 });
    fc.assert(
      fc.property(fc.nat(valid.length - 1), fc.nat(255), fc.nat(valid.length), (at, value, length) => {
        const mutated = valid.slice();
        mutated[at] = value;
        return codes.includes(codeOf(mutated)) && (length === valid.length || codeOf(valid.subarray(0, length)) === 'bad-file');
      }),
      { numRuns: 2000 },
    );
    fc.assert(fc.property(fc.json(), fc.nat(40), (json, size) => codes.includes(codeOf(file(json, size)))), { numRuns: 500 });
    const count = fc.oneof(fc.nat(6), fc.constantFrom(-1, 2 ** 53, 1e300, 0.5, null));
    const entry = fc.record({ dtype: fc.constantFrom('F32', 'F16', 'I8', 'X'), shape: fc.array(count, { maxLength: 3 }), data_offsets: fc.array(count, { minLength: 1, maxLength: 3 }) });
    fc.assert(fc.property(fc.dictionary(fc.string({ maxLength: 3 }), entry), fc.nat(12), (header, size) => codes.includes(codeOf(file(header, size)))), { numRuns: 2000 });
  });

  it('answers 10 000 malformed files from the header alone as from the whole file', async () => {
    const valid = writeSafetensors(new Map([['a', { shape: [2, 3], data: new Float32Array(6) }], ['b', { shape: [1], data: new Float32Array(1) }]]), 'F16', { format: 'pt' });
    const count = fc.oneof(fc.nat(6), fc.constantFrom(-1, 2 ** 53, 1e300, 0.5, null));
    const entry = fc.record({ dtype: fc.constantFrom('F32', 'F16', 'BF16', 'I8', 'X'), shape: fc.array(count, { maxLength: 3 }), data_offsets: fc.array(count, { minLength: 1, maxLength: 3 }) });
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.tuple(fc.nat(valid.length - 1), fc.nat(255), fc.nat(valid.length)).map(([at, value, length]) => {
        const mutated = valid.slice(0, length);
        if (at < length) mutated[at] = value;
        return mutated;
      }),
      fc.tuple(fc.json(), fc.nat(40)).map(([json, size]) => file(json, size)),
      fc.tuple(fc.dictionary(fc.string({ maxLength: 3 }), entry), fc.nat(12)).map(([header, size]) => file(header, size)),
    );
    await fc.assert(
      fc.asyncProperty(bytes, async (bytes) => {
        const code = codeOf(bytes);
        expect(['accepted', 'bad-file', 'unsupported']).toContain(code);
        expect(await headerCodeOf(bytes)).toBe(code);
      }),
      { numRuns: 10_000 },
    );
  });

  it('reads the header and no value, then a tensor and no other', async () => {
    const bytes = readFileSync(new URL('../testing/reference/llama-mqa-bf16/model.safetensors', import.meta.url));
    const whole = fileOfBytes('w', bytes);
    const ranges: [number, number][] = [];
    const counted: ModelFile = { ...whole, read: (begin, end) => (ranges.push([begin, end]), whole.read(begin, end)) };
    const tensors = await readSafetensorsHeader(counted);
    const dataStart = 8 + Number(bytes.readBigUInt64LE(0));
    expect(ranges).toEqual([[0, 8], [8, dataStart]]);
    expect(await readTensors(tensors)).toEqual(parseSafetensors(bytes));
    const norm = tensors.get('model.norm.weight')!;
    ranges.length = 0;
    expect(await norm.read(2, 6)).toHaveLength(4);
    expect(ranges).toHaveLength(1);
    await expect(norm.read(0, norm.shape[0]! * 2 + 1)).rejects.toMatchObject({ code: 'bad-argument' });
  });

  it('refuses to write a value that F16 cannot hold, or a shape that does not fit', () => {
    const one = (value: number) => new Map([['w', { shape: [1], data: Float32Array.of(value) }]]);
    expect(() => writeSafetensors(one(70000), 'F16', {})).toThrow(/"w" holds 70000/);
    expect(parseSafetensors(writeSafetensors(one(70000), 'F32', {})).get('w')!.data[0]).toBe(70000);
    expect(() => writeSafetensors(new Map([['w', { shape: [2], data: new Float32Array(1) }]]), 'F32', {})).toThrow(/has 1 values/);
  });
});
