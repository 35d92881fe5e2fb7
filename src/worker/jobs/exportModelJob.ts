/** Writes weights as a merged Hugging Face folder, or their adapter as PEFT's files, reads the written bytes back, and compares the logits with those of the LM in use. */
import { EngineError } from '../../base/errors.ts';
import { fromStoredForms } from '../../config/storedForm.ts';
import { type ModelCardInput, validationOf, writeModelCard } from '../../export/modelCard.ts';
import { writeHfFolder } from '../../export/hfFolder.ts';
import { writePeftAdapter } from '../../export/peftAdapter.ts';
import { createAdapter, withAdapter } from '../../lm/adapter.ts';
import { readMerged } from '../../lm/mergeAdapter.ts';
import { createLm, type LanguageModel, readParams } from '../../lm/params.ts';
import { readLogits } from '../../lm/readLogits.ts';
import { filesSource } from '../../loader/folderSource.ts';
import { openModelFolder } from '../../loader/modelFolder.ts';
import { readPeftAdapter } from '../../loader/peftAdapter.ts';
import { readTensors } from '../../loader/storedTensor.ts';
import type { ModelView } from '../../protocol/views.ts';
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

async function openWritten(files: Files): Promise<LanguageModel> {
  const { config, tensors } = await openModelFolder(filesSource(files));
  return createLm(config, fromStoredForms(config, await readTensors(tensors)));
}

/** The LM as PEFT would put it together: the base, and what the files say. @param base borrowed for the life of the result */
async function openWrittenAdapter(base: LanguageModel, files: Files): Promise<LanguageModel> {
  const { config, tensors } = await readPeftAdapter(filesSource(files), base.config);
  return withAdapter(base, createAdapter(base.config, config, tensors));
}

/** @param written consumed */
async function compareWithWritten(lm: LanguageModel, written: LanguageModel, rows: number[][]): Promise<Comparison> {
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

const sentence = (maxDifference: number, tokens: number, how: string): string =>
  `Read back from the written files: largest difference of any logit ${maxDifference.toExponential(1)} over ${tokens} tokens (${how}).`;

/** The two files of PEFT and a card. A strength other than 1 becomes part of lora_alpha, as PEFT knows none. */
async function writeAdapter(lm: LanguageModel, { source, name }: ModelView, card: ModelCardInput, originalCard: string | null): Promise<Files> {
  const { adapter } = lm;
  if (!adapter) throw new EngineError('bad-argument', 'These weights are no adapter: every weight was trained, or none. Export them merged.');
  if (adapter.strength === 0) throw new EngineError('bad-argument', 'At strength 0 an adapter does nothing. Choose another strength to export it.');
  const config = { ...adapter.config, loraAlpha: adapter.config.loraAlpha * adapter.strength };
  const base = source.kind === 'hub' ? { nameOrPath: source.id, revision: source.commit } : { nameOrPath: name, revision: null };
  const files = writePeftAdapter(lm.config, { config, tensors: await readParams(lm) }, base);
  return [{ path: 'README.md', bytes: new TextEncoder().encode(writeModelCard({ ...card, adapterOf: base }, originalCard)) }, ...files];
}

export const exportModelJob =
  (state: EngineState): JobBody<'exportModel'> =>
  async ({ weights, as }, control) => {
    const { backend } = requireBackend(state);
    const model = requireModel(state);
    const { view, folder, tokenizer } = model;
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

    return withWeights(state, weights, async ({ lm, fingerprint }) => {
      control.progress({ phase: 'writing', done: 0, total: 2, unit: 'files' });
      await control.turn();
      if (as === 'adapter') {
        const files = await writeAdapter(lm, view, card, folder.card);
        control.progress({ phase: 'reading back', done: 1, total: 2, unit: 'files' });
        await control.turn();
        const { maxDifference, tokens } = await compareWithWritten(lm, await openWrittenAdapter(model.base, files), rows);
        await backend.assertHealthy();
        if (maxDifference > TOLERANCE) throw new EngineError('internal', `The written adapter does not give the logits of the LM in use (difference ${maxDifference}). It was not handed out.`);
        backend.trimPool();
        return { files, fingerprint, verified: sentence(maxDifference, tokens, 'adapter, F32') };
      }
      const params = await readMerged(lm);
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
        const { maxDifference, tokens } = await compareWithWritten(lm, await openWritten(files), rows);
        await backend.assertHealthy();
        if (maxDifference > TOLERANCE) continue;
        backend.trimPool();
        const weightsFile = files.find(({ path }) => path === 'model.safetensors') as Files[number];
        return { files, fingerprint: await sha256Hex(weightsFile.bytes), verified: sentence(maxDifference, tokens, dtype) };
      }
      throw new EngineError('internal', `The written folder does not give the logits of the LM in use (difference above ${TOLERANCE}). It was not handed out.`);
    });
  };
