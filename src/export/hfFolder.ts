/** The tuned LM as a Hugging Face folder: the base's small files untouched, merged weights in one file, a model card. Not for tensors (lm/params.ts) nor for zipping (zip.ts). */
import { EngineError } from '../base/errors.ts';
import type { LmConfig } from '../config/lm.ts';
import { toStoredForm } from '../config/storedForm.ts';
import type { TensorValues } from '../loader/safetensors.ts';
import { writeSafetensors } from '../loader/safetensors.ts';
import type { ModelCardInput } from './modelCard.ts';
import { writeModelCard } from './modelCard.ts';
import type { ExportFile } from './zip.ts';

/** The part of a loaded ModelFolder that an export needs. */
export interface BaseFolder {
  config: LmConfig;
  /** Small files as they came (config, tokenizer, card …); borrowed, copied out unchanged. */
  otherFiles: ReadonlyMap<string, Uint8Array>;
  /** Contents of README.md. */
  card: string | null;
}

export const WEIGHTS = 'model.safetensors';
const CARD = 'README.md';
/** Where the base's own card goes, so that its terms travel along. */
const BASE_CARD = 'BASE_MODEL_README.md';

/**
 * Everything of the folder but its weights.
 * @returns in a fixed order, owned by the caller
 * @throws EngineError bad-argument if config.json is missing
 */
export function writeSmallFiles(folder: BaseFolder, card: ModelCardInput): ExportFile[] {
  if (!folder.otherFiles.has('config.json')) throw new EngineError('bad-argument', 'export: the base folder has no config.json.');
  const files: ExportFile[] = [];
  for (const path of [...folder.otherFiles.keys()].sort()) {
    const bytes = folder.otherFiles.get(path) as Uint8Array;
    // An index would point to shards that are gone; the cards are written below.
    if (path === CARD || path === BASE_CARD || path === WEIGHTS || path.endsWith('.safetensors.index.json')) continue;
    files.push({ path, bytes: bytes.slice() });
  }
  const original = folder.otherFiles.get(BASE_CARD) ?? folder.otherFiles.get(CARD);
  files.push({ path: CARD, bytes: new TextEncoder().encode(writeModelCard(card, folder.card)) });
  if (original) files.push({ path: BASE_CARD, bytes: original.slice() });
  return files;
}

/**
 * The whole folder, for LMs that were trained whole: they are small enough to lie in memory. Others are streamed (streamWeights.ts).
 * @param params merged parameters under their Hugging Face names, as the LM holds them (storedForm.ts says where files differ), borrowed
 * @param dtype F16 as usual; F32 for weights beyond its range
 * @returns files in a fixed order, weights last; owned by the caller
 * @throws EngineError bad-argument if config.json is missing, or a weight does not fit F16 or is not a number
 */
export function writeHfFolder(folder: BaseFolder, params: ReadonlyMap<string, TensorValues>, card: ModelCardInput, dtype: 'F16' | 'F32' = 'F16'): ExportFile[] {
  const files = writeSmallFiles(folder, card);
  for (const [name, { data }] of params)
    for (let i = 0; i < data.length; i++)
      if (!Number.isFinite(data[i])) throw new EngineError('bad-argument', `export: parameter "${name}" has a value that is not a number. Go back to an earlier checkpoint.`);
  const stored = new Map([...params].map(([name, { shape, data }]) => [name, { shape, data: toStoredForm(folder.config, name, data) }]));
  files.push({ path: WEIGHTS, bytes: writeSafetensors(stored, dtype, { format: 'pt' }) });
  return files;
}
