import fc from 'fast-check';
import loadHighs from 'highs';
import { beforeAll, describe, expect, it } from 'vitest';
import { Rng } from '../base/rng.ts';
import type { EmdObjective } from '../kernels/headLoss/headLoss.cpu.ts';
import {
  meanEmbedding,
  normalizeRows,
  semanticDistanceCpu,
  semanticDistanceGradCpu,
  softmaxRows,
} from './semanticDistance.cpu.ts';

const objectives: EmdObjective[] = ['emd_exact', 'emd_lower_bound'];
const normals = (rng: Rng, n: number, scale = 1) => Float64Array.from({ length: n }, () => rng.normal() * scale);

/** A random world: logits and unit embeddings, sometimes with a common direction as language models have. */
function randomWorld(seed: number, N = 1) {
  const rng = new Rng(seed);
  const V = 2 + rng.int(10);
  const D = 1 + rng.int(7);
  const scale = [0.3, 1, 4][rng.int(3)]!;
  const common = normals(rng, D, rng.int(2));
  const embedding = normalizeRows(normals(rng, V * D).map((v, i) => v + common[i % D]!), V, D);
  const logits = normals(rng, N * V, scale);
  const labels = Int32Array.from({ length: N }, () => rng.int(V));
  const soft = softmaxRows(normals(rng, V, 2), 1, V);
  return { rng, shape: { N, V, D }, embedding, logits, labels, soft };
}

let highs: Awaited<ReturnType<typeof loadHighs>>;
beforeAll(async () => {
  highs = await loadHighs();
});

/** The exact EMD: the cheapest plan that turns p into q, by linear programming. Both must sum to 1. */
function emdByLinearProgram(p: Float64Array, q: Float64Array, cost: (i: number, j: number) => number): number {
  const V = p.length;
  const arcs = [...p.keys()].flatMap((i) => [...q.keys()].map((j) => [i, j] as const));
  const term = (coefficient: number, i: number, j: number) => `${coefficient < 0 ? '-' : '+'} ${Math.abs(coefficient).toFixed(15)} g${i}_${j}`;
  const sums = [
    ...[...p.keys()].map((i) => `p${i}: ${arcs.filter(([a]) => a === i).map(([a, b]) => `+ g${a}_${b}`).join(' ')} = ${p[i]!.toFixed(15)}`),
    // One equality follows from the others; dropping it keeps rounding from making the program infeasible.
    ...[...q.keys()].slice(1).map((j) => `q${j}: ${arcs.filter(([, b]) => b === j).map(([a, b]) => `+ g${a}_${b}`).join(' ')} = ${q[j]!.toFixed(15)}`),
  ];
  const lines = [`Minimize\n cost: ${arcs.map(([i, j]) => term(cost(i, j), i, j)).join('\n ')}`, 'Subject To', ...sums, 'End'];
  const solved = highs.solve(lines.join('\n'), { output_flag: false, primal_feasibility_tolerance: 1e-10, dual_feasibility_tolerance: 1e-10 });
  if (solved.Status !== 'Optimal') throw new Error(`linear program of ${V} tokens: ${solved.Status}`);
  return solved.ObjectiveValue;
}

function dot(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, v, i) => sum + v * b[i]!, 0);
}

describe('the Earth Mover\'s Distance of a token distribution', () => {
  it('lies between the lower bound and the independent coupling for any target, by a linear program', () => {
    let tightest = Infinity;
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffffffff }), (seed) => {
        const { shape, embedding, logits, soft } = randomWorld(seed);
        const { V, D } = shape;
        const p = softmaxRows(logits, 1, V);
        const row = (k: number) => embedding.subarray(k * D, (k + 1) * D);
        const emd = emdByLinearProgram(p, soft, (i, j) => (i === j ? 0 : 1 - dot(row(i), row(j))));
        const mu = meanEmbedding(p, embedding, shape);
        const nu = meanEmbedding(soft, embedding, shape);
        const lower = dot(mu.map((m, d) => m - nu[d]!), mu.map((m, d) => m - nu[d]!)) / 2;
        expect(lower).toBeLessThanOrEqual(emd + 1e-8);
        expect(emd).toBeLessThanOrEqual(1 - dot(mu, nu) + 1e-8);
        if (emd > 1e-3) tightest = Math.min(tightest, emd - lower);
      }),
      { numRuns: 150, seed: 1 },
    );
    // The random worlds are not degenerate: the bound is neither trivially 0 nor always far away.
    expect(tightest).toBeLessThan(0.1);
  });

  it('is what emd_exact computes when the target is one token, and emd_lower_bound stays below by half the variance', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffffffff }), (seed) => {
        const { shape, embedding, logits, labels } = randomWorld(seed);
        const { V, D } = shape;
        const p = softmaxRows(logits, 1, V);
        const row = (k: number) => embedding.subarray(k * D, (k + 1) * D);
        const target = new Float64Array(V);
        target[labels[0]!] = 1;
        const emd = emdByLinearProgram(p, target, (i, j) => (i === j ? 0 : 1 - dot(row(i), row(j))));
        const exact = semanticDistanceCpu(logits, labels, embedding, shape, 'emd_exact')[0]!;
        const lower = semanticDistanceCpu(logits, labels, embedding, shape, 'emd_lower_bound')[0]!;
        const mu = meanEmbedding(p, embedding, shape);
        expect(Math.abs(exact - emd)).toBeLessThan(1e-8);
        expect(Math.abs(exact - lower - 0.5 * (1 - dot(mu, mu)))).toBeLessThan(1e-12);
      }),
      { numRuns: 100, seed: 2 },
    );
  });

  it.each(objectives)('%s is 0 when all mass is on the unsafe token and never negative', (objective) => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffffffff }), (seed) => {
        const { shape, embedding, logits, labels } = randomWorld(seed, 3);
        for (const d of semanticDistanceCpu(logits, labels, embedding, shape, objective)) expect(d).toBeGreaterThanOrEqual(-1e-12);
        const certain = logits.map((_, i) => (i % shape.V === labels[Math.floor(i / shape.V)]! ? 0 : -800));
        for (const d of semanticDistanceCpu(certain, labels, embedding, shape, objective)) expect(Math.abs(d)).toBeLessThan(1e-12);
      }),
      { numRuns: 100, seed: 3 },
    );
  });

  it('is 1 and gives no gradient for an unsafe token without an embedding', () => {
    const { shape, embedding, logits } = randomWorld(5);
    embedding.fill(0, 0, shape.D);
    const labels = Int32Array.of(0);
    normalizeRows(embedding, shape.V, shape.D);
    expect(embedding.every(Number.isFinite)).toBe(true);
    expect(semanticDistanceCpu(logits, labels, embedding, shape, 'emd_exact')[0]).toBe(1);
    const gradient = semanticDistanceGradCpu(Float64Array.of(1), logits, labels, embedding, shape, 'emd_exact');
    expect(gradient.every((v) => Math.abs(v) === 0)).toBe(true);
  });

  it.each(objectives)('%s has the gradient that central differences give, in double precision', (objective) => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffffffff }), (seed) => {
        const { rng, shape, embedding, logits, labels } = randomWorld(seed, 2);
        const dy = normals(rng, shape.N);
        const gradient = semanticDistanceGradCpu(dy, logits, labels, embedding, shape, objective);
        const value = (z: Float64Array) => dot(dy, semanticDistanceCpu(z, labels, embedding, shape, objective));
        const h = 1e-5;
        for (let i = 0; i < logits.length; i++) {
          const up = logits.slice();
          const down = logits.slice();
          up[i]! += h;
          down[i]! -= h;
          expect(Math.abs((value(up) - value(down)) / (2 * h) - gradient[i]!)).toBeLessThan(1e-9);
        }
      }),
      { numRuns: 60, seed: 4 },
    );
  });
});
