/** Evaluates weights side by side on one split, and keeps the reports. */
import { toFailure } from '../../src/base/errors.ts';
import type { WeightsRef } from '../../src/protocol/views.ts';
import type { Split } from '../../src/records/prompt.ts';
import type { SavedReport } from '../store/project/project.ts';
import { studio } from '../store/studio.ts';
import type { StudioState } from '../store/studio.ts';
import { fetchJudgeLexicon } from './builtInData.ts';
import { runJob } from './engine.ts';
import { humanLabelsOf, promptsOfSplit } from './trainingData.ts';

/** @returns the saved reports, one per entry of `weights`; null if it failed or was cancelled (told by notice) */
export async function evaluateWeights(weights: readonly WeightsRef[], split: Split): Promise<SavedReport[] | null> {
  const { drafts, project, mirror } = studio.getState();
  try {
    const lexicon = await fetchJudgeLexicon();
    const reports = await runJob('evaluate', {
      weights: [...weights],
      prompts: promptsOfSplit(project, split),
      split: split === 'curate' ? 'custom' : split,
      config: drafts.evaluate.config,
      lexicon,
      humanLabels: humanLabelsOf(project),
    });
    if (!reports) return null;
    const evaluationId = crypto.randomUUID();
    const createdAt = new Date().toISOString();
    const saved = reports.map(
      (report, index): SavedReport => ({
        id: `${evaluationId}-${index}`,
        evaluationId,
        createdAt,
        modelId: mirror.model?.id ?? '',
        modelName: mirror.model?.name ?? '',
        weights: weights[index]!,
        title: titleOf(weights[index]!, mirror),
        report,
      }),
    );
    studio.record({ type: 'added', collection: 'reports', documents: saved });
    return saved;
  } catch (thrown) {
    studio.notify({ tone: 'unsafe', title: 'The evaluation could not start', detail: toFailure(thrown).message });
    return null;
  }
}

/** What people call these weights: "base", "quiet-river, best step 40". */
export function titleOf(weights: WeightsRef, mirror: StudioState['mirror']): string {
  if (weights.kind === 'base') return 'base';
  const run = mirror.runs.byId[weights.runId];
  const name = run?.name ?? weights.runId;
  if (weights.step === 'best') return run?.bestStep == null ? `${name}, best step` : `${name}, best step ${run.bestStep}`;
  return weights.step === 'last' ? `${name}, last step` : `${name}, step ${weights.step}`;
}
