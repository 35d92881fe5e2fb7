/** Writes weights as a Hugging Face folder, reads the written bytes back, and compares the logits with those of the LM in use. */
import { EngineError } from '../../base/errors.ts';
import { fromStoredForms } from '../../config/storedForm.ts';
import { validationOf } from '../../export/modelCard.ts';
import { writeHfFolder } from '../../export/hfFolder.ts';
import { createLm, type LanguageModel, readParams } from '../../lm/params.ts';
import { readLogits } from '../../lm/readLogits.ts';
import { filesSource } from '../../loader/folderSource.ts';
import { openModelFolder } from '../../loader/modelFolder.ts';
import { readTensors } from '../../loader/storedTensor.ts';
import type { RunRecord } from '../../records/run.ts';
import { type EngineState, requireBackend, requireModel } from '../engineState.ts';
import type { JobBody } from '../jobRunner.ts';
import { sha256Hex } from '../sha256.ts';
import { stepOf, withWeights } from '../weights.ts';

type Files = { path: string; bytes: Uint8Array }[];

/** Largest difference of any logit that passes; float32 sums in another order stay far below. */
const TOLERANCE = 1e-3;

/** Any text will do: every weight of the LM takes part in its logits. */
const PROBES = ['How do I bake a loaf of bread?', 'Tell me something about the sea.', 'Why?'];

interface Comparison {
  maxDifference: number;
  tokens: number;
}

async function compareWithWritten(lm: LanguageModel, files: Files, rows: number[][]): Promise<Comparison> {
  const { config, tensors } = await openModelFolder(filesSource(files));
  const written = createLm(config, fromStoredForms(config, await readTensors(tensors)));
  try {
    const [live, back] = [await readLogits(lm, rows), await readLogits(written, rows)];
    let maxDifference = 0;
    for (const [i, logits] of live.entries())
      for (const [j, value] of logits.entries()) {
        const difference = Math.abs(value - (back[i] as Float32Array)[j]!);
        // A NaN on either side must not pass as 0.
        if (!(difference <= maxDifference)) maxDifference = Number.isNaN(difference) ? Infinity : difference;
      }
    return { maxDifference, tokens: rows.reduce((sum, row) => sum + row.length, 0) };
  } finally {
    written.dispose();
  }
}

export const exportModelJob =
  (state: EngineState): JobBody<'exportModel'> =>
  async ({ weights }, control) => {
    const { backend } = requireBackend(state);
    const { view, folder, tokenizer } = requireModel(state);
    const run: RunRecord | null = weights.kind === 'run' ? await state.runs.readRecord(weights.runId) : null;
    const step = run && weights.kind === 'run' ? stepOf(run, weights.step) : null;
    const card = {
      name: run ? `${view.name}, tuned (${run.name})` : view.name,
      base: { name: view.name, fingerprint: view.fingerprint },
      run,
      step,
      measured: run && step !== null ? validationOf(run, step) : [],
    };
    const rows = PROBES.map((text) => tokenizer.applyChatTemplate(text));

    return withWeights(state, weights, async ({ lm }) => {
      control.progress({ phase: 'writing', done: 0, total: 2, unit: 'files' });
      await control.turn();
      const params = await readParams(lm);
      for (const dtype of ['F16', 'F32'] as const) {
        let files: Files;
        try {
          files = writeHfFolder(folder, params, card, dtype);
        } catch (thrown) {
          // Weights beyond the range of F16 are written as they are.
          if (dtype === 'F16' && thrown instanceof EngineError && thrown.code === 'bad-argument') continue;
          throw thrown;
        }
        control.progress({ phase: 'reading back', done: 1, total: 2, unit: 'files' });
        await control.turn();
        const { maxDifference, tokens } = await compareWithWritten(lm, files, rows);
        await backend.assertHealthy();
        if (maxDifference > TOLERANCE) continue;
        backend.trimPool();
        const weightsFile = files.find(({ path }) => path === 'model.safetensors') as Files[number];
        const verified = `Read back from the written files: largest difference of any logit ${maxDifference.toExponential(1)} over ${tokens} tokens (${dtype}).`;
        return { files, fingerprint: await sha256Hex(weightsFile.bytes), verified };
      }
      throw new EngineError('internal', `The written folder does not give the logits of the LM in use (difference above ${TOLERANCE}). It was not handed out.`);
    });
  };
