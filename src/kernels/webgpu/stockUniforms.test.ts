import { expect, it } from 'vitest';
import { packStockUniforms } from './stockUniforms.ts';

const int = (...data: number[]) => ({ type: 'int32' as const, data });

it('lays uniforms out as WGSL aligns scalars, vec2 and vec3', () => {
  expect([...new Int32Array(packStockUniforms([int(1), int(2, 3), int(4), int(5, 6, 7), int(8)]))]).toEqual([1, 0, 2, 3, 4, 0, 0, 0, 5, 6, 7, 8]);
});

it('begins a new row of four after shapes of five and six numbers', () => {
  expect([...new Int32Array(packStockUniforms([int(1, 2, 3, 4, 5), int(6)]))]).toEqual([1, 2, 3, 4, 5, 0, 0, 0, 6, 0, 0, 0]);
});

it('writes floats as floats, and one number for the shape of a scalar', () => {
  const bytes = packStockUniforms([{ type: 'float32', data: [1.5] }, int()]);
  expect(new Float32Array(bytes)[0]).toBe(1.5);
  expect(new Int32Array(bytes)[1]).toBe(1);
});
