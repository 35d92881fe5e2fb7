/** The same few prompts at every evaluated step. Pure. */
import type { EvaluatedAnswer, EvaluationPoint } from '../../../src/records/evaluation.ts';

export interface ProbeRow {
  promptId: string;
  prompt: string;
  harmful: boolean;
  /** One per step, in the order of `steps`; null where that step did not have this prompt. */
  answers: (EvaluatedAnswer | null)[];
}

/** Probes × steps. Rows in the order of the first evaluation that has them. */
export function probeGrid(points: readonly EvaluationPoint[]): { steps: number[]; rows: ProbeRow[] } {
  const rows = new Map<string, ProbeRow>();
  points.forEach((point, column) => {
    for (const answer of point.probes) {
      const row = rows.get(answer.promptId) ?? { promptId: answer.promptId, prompt: answer.prompt, harmful: answer.set === 'harmful', answers: points.map(() => null) };
      row.answers[column] = answer;
      rows.set(answer.promptId, row);
    }
  });
  return { steps: points.map((point) => point.step), rows: [...rows.values()] };
}
