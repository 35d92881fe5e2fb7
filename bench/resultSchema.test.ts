import { describe, expect, it } from 'vitest';
import { type BenchResult, requiredRatios, resultSchema } from './resultSchema.ts';

const result = (): BenchResult => ({
  device: 'a CPU',
  adapter: null,
  cpu: 'a CPU',
  cores: 2,
  node: 'v20.0.0',
  commit: 'abc1234',
  date: '2026-01-01T00:00:00.000Z',
  quick: true,
  peers: {},
  workloads: { 'S.wasm.ours': { unit: 'tokens/s', median: 2, iqr: [1, 3], best: 4, rounds: 5 } },
  ratios: Object.fromEntries(requiredRatios.map((name) => [name, 1])),
  spreads: {},
  notMeasured: {},
});

describe('the schema of bench/results.json', () => {
  it('takes a complete result', () => {
    expect(resultSchema.parse(result())).toEqual(result());
  });
  it('takes null for a ratio only with a reason', () => {
    const without = { ...result(), ratios: { ...result().ratios, 'S.wasm.over_jax': null } };
    expect(resultSchema.safeParse(without).success).toBe(false);
    expect(resultSchema.safeParse({ ...without, notMeasured: { 'S.wasm.over_jax': 'it failed' } }).success).toBe(true);
  });
  it('refuses a missing ratio and a number that is not finite', () => {
    const { 'G.batch32_over_1': _, ...others } = result().ratios;
    expect(resultSchema.safeParse({ ...result(), ratios: others }).success).toBe(false);
    expect(resultSchema.safeParse({ ...result(), ratios: { ...result().ratios, 'D.semantic_over_sft': Infinity } }).success).toBe(false);
  });
});
