import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Rng } from '../../base/rng.ts';
import type { OpenedBackend } from '../../device/openDevice.ts';
import { randomFloats } from '../../testing/arrays.ts';
import { openTestBackend, testBackends } from '../../testing/backend.ts';
import { argMax, sampleRow, type SamplingConfig } from './sampling.cpu.ts';
import { sampleTokens } from './sampling.ts';

const configs: SamplingConfig[] = [
  { temperature: 0, topK: 0, topP: 1 },
  { temperature: 1, topK: 0, topP: 1 },
  { temperature: 0.7, topK: 5, topP: 1 },
  { temperature: 1.3, topK: 0, topP: 0.9 },
  { temperature: 1, topK: 40, topP: 0.5 },
  { temperature: 0.05, topK: 0, topP: 0.999 },
];

/** Rounding may move a draw over the edge of a token's share, or the edge of top-p over a token: then a hair's breadth away the twin agrees. */
function agreesNearby(row: Float32Array, config: SamplingConfig, uniform: number, token: number): boolean {
  const hair = 2e-6;
  return [0, -hair, hair].some((du) => [0, -hair, hair].some((dp) => sampleRow(row, { ...config, topP: Math.min(1, config.topP + dp) }, Math.max(0, uniform + du)) === token));
}

describe.each(await testBackends())('sampleTokens on %s', (backendName) => {
  let opened: OpenedBackend;
  beforeAll(async () => {
    opened = await openTestBackend(backendName);
  });
  afterAll(() => opened.close());

  async function sampleRows(values: Float32Array, B: number, config: SamplingConfig, uniforms: Float32Array): Promise<number[]> {
    const ids = tf.tidy(() => sampleTokens(tf.tensor2d(values, [B, values.length / B]), config, tf.tensor1d(uniforms)));
    const tokens = [...(await ids.data())];
    ids.dispose();
    await opened.assertHealthy();
    return tokens;
  }

  it.each(configs)('draws what the twin draws: $temperature, $topK, $topP', async (config) => {
    const rng = new Rng(5);
    let apart = 0;
    for (const [B, V] of [[1, 1], [3, 7], [9, 300], [40, 2048], [2, 5003]] as const) {
      // Rounded values give ties, at the edges too.
      const values = randomFloats(B * V, V, 2).map((z, i) => (i % 2 === 0 ? Math.round(z * 4) / 4 : z));
      const uniforms = Float32Array.from({ length: B }, () => rng.next());
      const tokens = await sampleRows(values, B, config, uniforms);
      tokens.forEach((token, b) => {
        const row = values.subarray(b * V, (b + 1) * V);
        if (token === sampleRow(row, config, uniforms[b]!)) return;
        apart++;
        expect(agreesNearby(row, config, uniforms[b]!, token), `row ${b} of [${B}, ${V}]: ${token}`).toBe(true);
      });
    }
    expect(apart).toBeLessThanOrEqual(1);
  });

  it('gives −1 for rows that are not numbers, and leaves the others alone', async () => {
    const row = [0, 3, 1, -Infinity];
    const rows = [row, [0, NaN, 1, 2], [Infinity, 0, 1, 2], [-Infinity, -Infinity, -Infinity, -Infinity], row];
    for (const config of configs) {
      const tokens = await sampleRows(Float32Array.from(rows.flat()), 5, config, new Float32Array(5).fill(0.5));
      expect(tokens).toEqual([1, -1, -1, -1, 1]);
    }
  });

  it('takes the first among equals, and every token of a row at its uniform', async () => {
    expect(await sampleRows(Float32Array.from([2, 5, 5, 1]), 1, configs[0]!, Float32Array.of(0))).toEqual([argMax(Float32Array.from([2, 5, 5, 1]))]);
    const n = 130;
    const middles = Float32Array.from({ length: n }, (_, i) => (i + 0.5) / n);
    expect(await sampleRows(new Float32Array(n * n), n, configs[1]!, middles)).toEqual(Array.from({ length: n }, (_, i) => i));
    // Equal tokens that top-p cuts: the first half of them stay.
    const half = await sampleRows(new Float32Array(n * n), n, { temperature: 1, topK: 0, topP: 0.499 }, middles);
    expect(Math.max(...half)).toBe(64);
  });

  it('refuses settings that mean nothing', () => {
    expect(() => tf.tidy(() => sampleTokens(tf.zeros([1, 4]), { temperature: -1, topK: 0, topP: 1 }, tf.zeros([1])))).toThrow('temperature -1');
  });
});
