/** Writes weights as a merged Hugging Face folder, or their adapter as PEFT's files, reads the written bytes back, and compares the logits with those of the LM in use. */
import { EngineError } from '../../base/errors.ts';
import { type ModelCardInput, validationOf, writeModelCard } from '../../export/modelCard.ts';
import { writePeftAdapter } from '../../export/peftAdapter.ts';
import { createAdapter, withAdapter } from '../../lm/adapter.ts';
import { type LanguageModel, readParams } from '../../lm/params.ts';
import { readLogits } from '../../lm/readLogits.ts';
import { filesSource } from '../../loader/folderSource.ts';
import { readPeftAdapter } from '../../loader/peftAdapter.ts';
import type { ModelView } from '../../protocol/views.ts';
import type { RunRecord } from '../../records/run.ts';
import { type EngineState, type LoadedModel, requireBackend, requireModel } from '../engineState.ts';
import { type ExportedFiles, openWrittenFolder, streamMergedFolder, type WrittenFolder, writeTrainedFolder } from '../exportFolder.ts';
import type { JobBody, JobControl } from '../jobRunner.ts';
import { stepOf, withWeights } from '../weights.ts';

/** Largest difference of any logit that passes; float32 sums in another order stay far below. */
const TOLERANCE = 1e-3;

/** Rounding to the base's number format may change logits by this share of what the adapter changed them by. */
const ROUNDING_SHARE = 0.05;

/** Any text will do: every weight of the LM takes part in its logits. */
const PROBES = ['How do I bake a loaf of bread?', 'Tell me something about the sea.', 'Why?'];

/** The LM as PEFT would put it together: the base, and what the files say. @param base borrowed for the life of the result */
async function openWrittenAdapter(base: LanguageModel, files: ExportedFiles): Promise<LanguageModel> {
  const { config, tensors } = await readPeftAdapter(filesSource(files), base.config);
  return withAdapter(base, createAdapter(base.config, config, tensors));
}

function largestDifference(some: readonly Float32Array[], others: readonly Float32Array[]): number {
  let largest = 0;
  for (const [i, logits] of some.entries())
    for (const [j, value] of logits.entries()) {
      const difference = Math.abs(value - (others[i] as Float32Array)[j]!);
      // A NaN on either side must not pass as 0.
      if (!(difference <= largest)) largest = Number.isNaN(difference) ? Infinity : difference;
    }
  return largest;
}

/** @param lm consumed */
async function logitsOnce(lm: LanguageModel, rows: number[][]): Promise<Float32Array[]> {
  try {
    return await readLogits(lm, rows);
  } finally {
    lm.dispose();
  }
}

const sentence = (difference: number, rows: number[][], how: string): string =>
  `Read back from the written files: largest difference of any logit ${difference.toExponential(1)} over ${rows.reduce((sum, row) => sum + row.length, 0)} tokens (${how}).`;

/** The two files of PEFT and a card. A strength other than 1 becomes part of lora_alpha, as PEFT knows none. */
async function writeAdapter(lm: LanguageModel, { source, name }: ModelView, card: ModelCardInput, originalCard: string | null): Promise<ExportedFiles> {
  const { adapter } = lm;
  if (!adapter) throw new EngineError('bad-argument', 'These weights are no adapter: every weight was trained, or none. Export them merged.');
  if (adapter.strength === 0) throw new EngineError('bad-argument', 'At strength 0 an adapter does nothing. Choose another strength to export it.');
  const config = { ...adapter.config, loraAlpha: adapter.config.loraAlpha * adapter.strength };
  const base = source.kind === 'hub' ? { nameOrPath: source.id, revision: source.commit } : { nameOrPath: name, revision: null };
  const files = writePeftAdapter(lm.config, { config, tensors: await readParams(lm) }, base);
  const readme = new TextEncoder().encode(writeModelCard({ ...card, adapterOf: base }, originalCard));
  return [{ path: 'README.md', data: readme }, ...files.map(({ path, bytes }) => ({ path, data: bytes }))];
}

/** One way to write the folder, and how much its logits may differ. */
interface Attempt {
  format: string;
  tolerance: number;
  write(): Promise<WrittenFolder>;
}

/** Half precision first, or the base's own formats; float32 where that is too coarse. */
async function attemptsFor(model: LoadedModel, lm: LanguageModel, live: readonly Float32Array[], rows: number[][], card: ModelCardInput, control: JobControl): Promise<Attempt[]> {
  const { base, folder, dtypes } = model;
  if (lm !== base && !lm.adapter) return (['F16', 'F32'] as const).map((dtype) => ({ format: dtype, tolerance: TOLERANCE, write: () => writeTrainedFolder(lm, folder, card, dtype) }));
  const onBytes = async (done: number, total: number): Promise<void> => {
    control.progress({ phase: 'writing', done, total, unit: 'bytes' });
    await control.turn();
  };
  const effect = lm.adapter ? largestDifference(live, await readLogits(base, rows)) : 0;
  const own = [...new Set(dtypes.values())].sort().join(' and ');
  return [
    { format: own, tolerance: Math.max(TOLERANCE, ROUNDING_SHARE * effect), write: () => streamMergedFolder(lm, folder, card, (name) => dtypes.get(name) ?? 'F32', onBytes) },
    { format: 'F32', tolerance: TOLERANCE, write: () => streamMergedFolder(lm, folder, card, () => 'F32', onBytes) },
  ];
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
      const live = await readLogits(lm, rows);
      const reading = (): void => control.progress({ phase: 'reading back', done: 1, total: 2, unit: 'files' });
      if (as === 'adapter') {
        const files = await writeAdapter(lm, view, card, folder.card);
        reading();
        await control.turn();
        const difference = largestDifference(live, await logitsOnce(await openWrittenAdapter(model.base, files), rows));
        await backend.assertHealthy();
        if (difference > TOLERANCE) throw new EngineError('internal', `The written adapter does not give the logits of the LM in use (difference ${difference}). It was not handed out.`);
        backend.trimPool();
        return { files, fingerprint, verified: sentence(difference, rows, 'adapter, F32') };
      }
      const attempts = await attemptsFor(model, lm, live, rows, card, control);
      for (const [i, { format, tolerance, write }] of attempts.entries()) {
        let written: WrittenFolder;
        try {
          written = await write();
        } catch (thrown) {
          // Weights beyond the range of half precision are written as they are.
          if (i === 0 && thrown instanceof EngineError && thrown.code === 'bad-argument') continue;
          throw thrown;
        }
        reading();
        await control.turn();
        const difference = largestDifference(live, await logitsOnce(await openWrittenFolder(written.files), rows));
        await backend.assertHealthy();
        if (difference > tolerance) continue;
        backend.trimPool();
        return { ...written, verified: sentence(difference, rows, format) };
      }
      throw new EngineError('internal', `The written folder does not give the logits of the LM in use (difference above ${TOLERANCE}). It was not handed out.`);
    });
  };
