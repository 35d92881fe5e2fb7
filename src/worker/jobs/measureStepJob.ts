/** Measures real training steps of the loaded LM and settles on settings that fit. */
import { deviceLimitsOf } from '../../config/fit.ts';
import { frozenBytes } from '../../config/fitBytes.ts';
import { parseTrainConfig } from '../../config/train.ts';
import { encodeTrainingData } from '../../data/encodeTrainingData.ts';
import { type EngineState, requireBackend, requireModel } from '../engineState.ts';
import type { JobBody } from '../jobRunner.ts';
import { measureStep } from '../measureStep.ts';
import { openTrained } from '../openTrained.ts';

export const measureStepJob =
  (state: EngineState): JobBody<'measureStep'> =>
  async ({ config: untrusted, data }, control) => {
    const { backend, view } = requireBackend(state);
    const { base, tokenizer } = requireModel(state);
    const config = parseTrainConfig(untrusted);
    const rows = encodeTrainingData(data, tokenizer, config);
    await control.turn();
    return measureStep({
      base,
      openTrained: () => openTrained(base, config),
      rows,
      config,
      backend,
      limits: deviceLimitsOf(view, Math.max(0, backend.memory().tensorBytes - frozenBytes(base.config, base.storage))),
      now: state.host.now,
      signal: control.signal,
      onCompile: (compiled) => control.progress({ phase: 'compiling kernels', ...compiled, unit: 'kernels' }),
      onTry: ({ benignPerStep, unsafePerStep }) => control.progress({ phase: `measuring a step of ${benignPerStep} + ${unsafePerStep} rows`, done: 0, total: 1, unit: 'steps', etaMs: null }),
    });
  };
