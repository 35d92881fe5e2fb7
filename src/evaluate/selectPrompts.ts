/** Which prompts of a split are evaluated when not all are. */
import { Rng } from '../base/rng.ts';
import type { Prompt, PromptSet } from '../records/prompt.ts';

/**
 * At most `promptsPerSet` prompts of each set (0: all), spread evenly over intents; the choice depends on the seed only.
 * @returns in their original order, borrowed
 */
export function selectPrompts(prompts: readonly Prompt[], promptsPerSet: number, seed: number): Prompt[] {
  if (promptsPerSet === 0) return [...prompts];
  const chosen = new Set<Prompt>();
  for (const set of ['harmful', 'borderline', 'everyday'] satisfies PromptSet[]) {
    const rng = new Rng(seed).fork(`select ${set}`);
    const byIntent = new Map<string, Prompt[]>();
    for (const prompt of prompts) {
      if (prompt.set !== set) continue;
      const key = prompt.intent ?? `\0${prompt.id}`;
      byIntent.set(key, [...(byIntent.get(key) ?? []), prompt]);
    }
    const queues = rng.shuffle([...byIntent.values()]).map((list) => rng.shuffle(list));
    let left = promptsPerSet;
    for (let round = 0; left > 0 && queues.some((q) => q.length > round); round++)
      for (const queue of queues) {
        const prompt = queue[round];
        if (prompt === undefined || left === 0) continue;
        chosen.add(prompt);
        left--;
      }
  }
  return prompts.filter((p) => chosen.has(p));
}
