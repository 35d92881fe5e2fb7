/** Lets several engines take turns, so that each meets the same machine: one computes at a time, the order turns round every round. */
import { reasonOf } from './reason.ts';
import { takesPart } from './statistics.ts';

export interface Turn<Sample> {
  name: string;
  /** Expected milliseconds of one turn. */
  expectedMs: number;
  take(): Promise<Sample>;
}

export interface Pace {
  rounds: number;
  /** Turns of one engine stop being taken every round when they would cost more than this together. */
  budgetMs: number;
  minRounds: number;
}

export const pace = (quick: boolean): Pace => (quick ? { rounds: 5, budgetMs: 10_000, minRounds: 2 } : { rounds: 15, budgetMs: 60_000, minRounds: 4 });

/** @returns by name, the samples by round; an engine whose turn fails is out, with the error in `failures` */
export async function interleave<Sample>(turns: readonly Turn<Sample>[], { rounds, budgetMs, minRounds }: Pace, failures: Map<string, string>): Promise<Map<string, Map<number, Sample>>> {
  const samples = new Map(turns.map(({ name }) => [name, new Map<number, Sample>()]));
  for (let round = 0; round < rounds; round++) {
    for (const { name, expectedMs, take } of round % 2 === 0 ? turns : [...turns].reverse()) {
      const affordable = Math.max(minRounds, Math.floor(budgetMs / expectedMs));
      if (failures.has(name) || !takesPart(round, rounds, affordable)) continue;
      try {
        samples.get(name)!.set(round, await take());
      } catch (error) {
        failures.set(name, reasonOf(error));
      }
    }
  }
  return samples;
}
