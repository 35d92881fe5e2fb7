import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenedBackend } from '../../device/openDevice.ts';
import { hasTestGpu, openTestBackend } from '../../testing/backend.ts';
import { deviceTraits } from '../deviceTraits.ts';
import { findFault, tuneMatMul } from './autotune.ts';
import { chooseTile, defaultTuning, onlyTile, tiles } from './chooseTile.ts';
import { matMulTuning, setMatMulTuning } from './linear.webgpu.ts';
import type { ProductForm, ProductTile } from './product.webgpu.ts';

describe.skipIf(!(await hasTestGpu()))('tuning of products on WebGPU', () => {
  let opened: OpenedBackend;
  beforeAll(async () => {
    opened = await openTestBackend('webgpu');
  });
  afterAll(() => opened.close());

  it('keeps one version a device that was checked, and does not measure twice', async () => {
    const report = await tuneMatMul();
    expect(report.rejected.map(({ tile }) => tile)).not.toContain(report.tuning.large);
    expect(matMulTuning()).toEqual(report.tuning);
    expect(await tuneMatMul()).toBe(report);
    if (deviceTraits().adapterClass === 'software') expect(report.tuning).toEqual(defaultTuning(deviceTraits()));
    await opened.assertHealthy();
  });

  it('refuses a version that gives wrong results', async () => {
    const right = matMulTuning();
    // Forgets the last four k of every product.
    const tile = tiles.quad8x4 as ProductTile;
    const { code, name } = tile;
    Object.assign(tile, { name: 'broken', code: (form: ProductForm) => code(form).replace('(params.K + 3u) / 4u', 'params.K / 4u - 1u') });
    setMatMulTuning(onlyTile('quad8x4'));
    expect(await findFault()).toContain('wrong by');
    Object.assign(tile, { code, name });
    setMatMulTuning(right);
  });

  it('gives products of few rows and small results versions of their own', () => {
    const tuning = { ...onlyTile('shared64'), small: 'shared32', smallBelow: 1000, fewRows: 8 } as const;
    const sizes = { K: 64, transposeA: false, transposeB: true };
    expect(chooseTile(tuning, { M: 3, N: 4000, ...sizes }).name).toBe('rows4');
    expect(chooseTile(tuning, { M: 20, N: 40, ...sizes }).name).toBe('shared32');
    expect(chooseTile(tuning, { M: 200, N: 400, ...sizes }).name).toBe('shared64');
    expect(chooseTile(tuning, { M: 3, N: 4000, ...sizes, transposeA: true }).name).toBe('shared64');
  });
});
