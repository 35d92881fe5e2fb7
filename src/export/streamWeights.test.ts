import { describe, expect, it } from 'vitest';
import { bfloat16ToFloat32, float32ToBfloat16 } from '../base/halfFloat.ts';
import { parseSafetensors, writeSafetensors } from '../loader/safetensors.ts';
import type { StoredDtype } from '../base/storedValues.ts';
import { randomFloats } from '../testing/arrays.ts';
import { sha256Hex } from '../worker/sha256.ts';
import { type StreamedTensor, streamSafetensors } from './streamWeights.ts';

/** In pieces of three values. */
const tensor = (dtype: StoredDtype, shape: number[], values: Float32Array): StreamedTensor => ({
  dtype,
  shape,
  async *pieces() {
    for (let at = 0; at < values.length; at += 3) yield await Promise.resolve(values.subarray(at, at + 3));
  },
});
const bytesOf = async (blob: Blob): Promise<Uint8Array> => new Uint8Array(await blob.arrayBuffer());

describe('weights that are streamed', () => {
  it.each(['F16', 'F32'] as const)('are byte for byte what is written at once in %s, and hashed on the way', async (dtype) => {
    const values = new Map([['b', { shape: [3, 5], data: randomFloats(15, 1) }], ['a.weight', { shape: [7], data: randomFloats(7, 2) }]]);
    const told: number[] = [];
    const { data, sha256 } = await streamSafetensors(new Map([...values].map(([name, { shape, data }]) => [name, tensor(dtype, shape, data)])), (written, total) => void told.push(written / total));
    const whole = writeSafetensors(values, dtype, { format: 'pt' });
    expect(await bytesOf(data)).toEqual(whole);
    expect(sha256).toBe(await sha256Hex(whole));
    expect(told.at(-1)).toBe(1);
    expect(told).toEqual([...told].sort((a, b) => a - b));
  });

  it('may mix number formats: each tensor comes back as it was', async () => {
    const [a, b] = [randomFloats(5, 3), randomFloats(9, 4)];
    const rounded = bfloat16ToFloat32(float32ToBfloat16(b));
    const { data } = await streamSafetensors(new Map([['gain', tensor('F32', [5], a)], ['a.matrix', tensor('BF16', [3, 3], b)]]));
    const back = parseSafetensors(await bytesOf(data));
    expect(back.get('gain')).toMatchObject({ dtype: 'F32', data: a });
    expect(back.get('a.matrix')).toMatchObject({ dtype: 'BF16', data: rounded });
    expect(Math.max(...b.map((value, i) => Math.abs(value - rounded[i]!) / Math.abs(value)))).toBeLessThanOrEqual(2 ** -8);
  });

  it.each([[NaN, 'F32', /not a number/], [7e4, 'F16', /too large for F16/], [3.4e38, 'BF16', /too large for BF16/]] as const)('refuse %f in %s', async (value, dtype, message) => {
    await expect(streamSafetensors(new Map([['x', tensor(dtype, [1], Float32Array.of(value))]]))).rejects.toThrow(message);
  });
});

describe('bfloat16', () => {
  it('comes back from every one of its patterns, and ties go to the even neighbour', () => {
    const all = Uint16Array.from({ length: 65536 }, (_, i) => i).filter((bits) => (bits & 0x7f80) !== 0x7f80);
    expect(float32ToBfloat16(bfloat16ToFloat32(all))).toEqual(all);
    const ties = new Float32Array(Uint32Array.of(0x3f808000, 0x3f818000, 0x3f808001, 0x3f817fff).buffer);
    expect([...float32ToBfloat16(ties)]).toEqual([0x3f80, 0x3f82, 0x3f81, 0x3f81]);
  });
});
