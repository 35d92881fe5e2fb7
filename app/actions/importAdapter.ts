/** Loads a PEFT adapter that was made elsewhere, for the LM in use; it becomes a run that can be evaluated and exported. */
import { toFailure } from '../../src/base/errors.ts';
import type { RunRecord } from '../../src/records/run.ts';
import { studio } from '../store/studio.ts';
import { askJob } from './engine.ts';

/** @param files adapter_config.json and adapter_model.safetensors, a folder with them, or a zip @returns the run, or what is wrong with the files */
export async function importAdapter(files: readonly File[]): Promise<{ run: RunRecord } | { problem: string | null }> {
  const entries = files.map((file) => ({ path: file.webkitRelativePath || file.name, data: file as Blob })).filter(({ path }) => !/(^|\/)(\.|__MACOSX)/.test(path));
  const zip = entries.length === 1 && /\.zip$/i.test(entries[0]!.path);
  const config = entries.map(({ path }) => path).filter((path) => /(^|\/)adapter_config\.json$/.test(path)).sort((a, b) => a.length - b.length)[0];
  if (!zip && config === undefined) return { problem: 'There is no adapter_config.json among these files. Choose it together with adapter_model.safetensors, or the whole folder.' };
  const top = config?.slice(0, -'adapter_config.json'.length) ?? '';
  const inside = zip ? entries : entries.filter(({ path }) => path.startsWith(top)).map(({ path, data }) => ({ path: path.slice(top.length), data }));
  const name = (zip ? entries[0]!.path.replace(/\.zip$/i, '') : top.replace(/\/$/, '').split('/').at(-1)) || 'adapter';
  try {
    const outcome = await askJob('importAdapter', { name, files: inside });
    if ('failure' in outcome) return { problem: outcome.failure?.message ?? null };
    const { name: given, notice } = outcome.result;
    studio.notify({ tone: notice === undefined ? 'safe' : 'neutral', title: `${given} was loaded`, detail: notice ?? 'Evaluate it, or export it merged, like any other run.' });
    return { run: outcome.result };
  } catch (thrown) {
    return { problem: toFailure(thrown).message };
  }
}
