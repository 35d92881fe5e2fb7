/** The merged folder of some weights: written, in the number formats of the base or in others, and opened again. Not for when which is chosen (exportModelJob). */
import { type BaseFolder, WEIGHTS, writeHfFolder, writeSmallFiles } from '../export/hfFolder.ts';
import type { ModelCardInput } from '../export/modelCard.ts';
import { streamSafetensors } from '../export/streamWeights.ts';
import { loadLm } from '../lm/loadLm.ts';
import { mergedParameters } from '../lm/mergeAdapter.ts';
import { type LanguageModel, readParams } from '../lm/params.ts';
import { filesSource } from '../loader/folderSource.ts';
import { openModelFolder } from '../loader/modelFolder.ts';
import type { StoredDtype } from '../base/storedValues.ts';
import { sha256Hex } from './sha256.ts';

export type ExportedFiles = { path: string; data: Uint8Array | Blob }[];

export interface WrittenFolder {
  files: ExportedFiles;
  /** sha256 of the weights file, hex. */
  fingerprint: string;
}

/**
 * An LM that was trained whole: its file is byte for byte its checkpoint where that is F16.
 * @throws EngineError bad-argument for values that do not fit
 */
export async function writeTrainedFolder(lm: LanguageModel, folder: BaseFolder, card: ModelCardInput, dtype: 'F16' | 'F32'): Promise<WrittenFolder> {
  const files = writeHfFolder(folder, await readParams(lm), card, dtype);
  const weights = files.find(({ path }) => path === WEIGHTS)!;
  return { files: files.map(({ path, bytes }) => ({ path, data: bytes })), fingerprint: await sha256Hex(weights.bytes) };
}

/**
 * The base, or the base with an adapter merged in, one tensor after the other.
 * @param dtypeOf how a parameter is stored
 * @throws EngineError bad-argument for values that do not fit; cancelled from `onBytes`
 */
export async function streamMergedFolder(
  lm: LanguageModel,
  folder: BaseFolder,
  card: ModelCardInput,
  dtypeOf: (name: string) => StoredDtype,
  onBytes: (writtenBytes: number, totalBytes: number) => Promise<void>,
): Promise<WrittenFolder> {
  const parameters = await mergedParameters(lm);
  const tensors = new Map([...parameters].map(([name, { shape, pieces }]) => [name, { dtype: dtypeOf(name), shape, pieces }]));
  const { data, sha256 } = await streamSafetensors(tensors, onBytes);
  return { files: [...writeSmallFiles(folder, card).map(({ path, bytes }) => ({ path, data: bytes })), { path: WEIGHTS, data }], fingerprint: sha256 };
}

/** The LM in a written folder. @returns owned by the caller */
export async function openWrittenFolder(files: ExportedFiles): Promise<LanguageModel> {
  const { config, tensors } = await openModelFolder(filesSource(files));
  return loadLm(config, tensors, { trainable: false });
}
