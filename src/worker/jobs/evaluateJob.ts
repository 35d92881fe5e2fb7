/** Measures one or more sets of weights on the same prompts in the same order, one after the other. */
import { EngineError } from '../../base/errors.ts';
import { evaluationConfigSchema } from '../../config/evaluation.ts';
import type { EvaluationReport } from '../../records/evaluation.ts';
import { type EngineState, requireBackend } from '../engineState.ts';
import { runEvaluation } from '../evaluation.ts';
import type { JobBody } from '../jobRunner.ts';
import { withWeights } from '../weights.ts';

export const evaluateJob =
  (state: EngineState): JobBody<'evaluate'> =>
  async ({ weights, config: untrusted, ...rest }, control) => {
    const { backend } = requireBackend(state);
    const parsed = evaluationConfigSchema.safeParse(untrusted);
    if (!parsed.success) {
      const issue = parsed.error.issues[0];
      throw new EngineError('bad-config', `evaluation settings: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'invalid'}`);
    }
    if (rest.prompts.length === 0) throw new EngineError('bad-argument', 'There are no prompts to evaluate.');
    const reports: EvaluationReport[] = [];
    for (const [index, ref] of weights.entries()) {
      // What was measured whole is kept; half an evaluation is none.
      if (control.stopRequested) break;
      const which = ref.kind === 'base' ? 'base' : 'tuned';
      const report = await withWeights(state, ref, ({ lm, fingerprint }) =>
        runEvaluation(state, control, {
          ...rest,
          lm,
          fingerprint,
          config: parsed.data,
          onProgress: ({ phase, done, total }) =>
            control.progress({ phase: `${which}: ${phase}`, done: index * total + done, total: weights.length * total, unit: 'prompts' }),
        }),
      );
      reports.push(report);
    }
    backend.trimPool();
    return reports;
  };
