/** Tells runs apart: a saved state may only go on with the settings and rows it was made with. Not cryptographic. */
import type { TrainConfig } from '../config/train.ts';
import type { EncodedTrainingData } from '../data/encodeTrainingData.ts';

/** FNV-1a, 32 bits, over the values as bytes. */
function hash(values: Iterable<number>): string {
  let h = 0x811c9dc5;
  for (const value of values) for (let shift = 0; shift < 32; shift += 8) h = Math.imul(h ^ ((value >>> shift) & 255), 0x01000193);
  return (h >>> 0).toString(16).padStart(8, '0');
}

/** Changes with every setting that a step depends on and with every token of the rows; not with when to evaluate or save. */
export function runFingerprint(config: TrainConfig, rows: EncodedTrainingData): string {
  const { evalSteps: _evalSteps, saveSteps: _saveSteps, checkpointRule: _checkpointRule, trainingMethod, lora, ...common } = config;
  // A full fine-tune has the fingerprint that it had before there were adapters.
  const steps = trainingMethod === 'lora' ? { ...common, lora } : common;
  const settings = JSON.stringify(Object.entries(steps).sort(([a], [b]) => (a < b ? -1 : 1)));
  const sets = [rows.unsafe, rows.everyday, rows.borderline];
  const tokens = sets.flatMap((set) => [set.length, ...set.flatMap((row) => [row.promptLength, row.tokenIds.length, ...row.tokenIds])]);
  return `${hash([...settings].map((c) => c.charCodeAt(0)))}-${hash(tokens)}`;
}
