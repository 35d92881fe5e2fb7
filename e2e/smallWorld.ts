/** A small import file cut from the built-in prompts: enough of each set and split for a whole journey on a software adapter. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const SETS = ['harmful', 'borderline', 'everyday'] as const;
const SPLITS = ['curate', 'validation', 'test'] as const;

/** JSON Lines with `perSplit` prompts of every set and split, one of each intent. */
export function smallWorld(perSplit: Record<(typeof SPLITS)[number], number>): string {
  const rows: string[] = [];
  for (const set of SETS)
    for (const split of SPLITS) {
      const path = fileURLToPath(new URL(`../public/data/${set}.${split}.jsonl`, import.meta.url));
      const seen = new Set<string>();
      for (const line of readFileSync(path, 'utf8').trim().split('\n')) {
        const { intent } = JSON.parse(line) as { intent: string };
        if (seen.has(intent)) continue;
        seen.add(intent);
        rows.push(line);
        if (seen.size === perSplit[split]) break;
      }
    }
  return rows.join('\n') + '\n';
}
