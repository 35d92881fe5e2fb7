/** Brings the weights that a job asks for onto the device, for as long as the job needs them. */
import { EngineError } from '../base/errors.ts';
import { cloneLm } from '../lm/cloneLm.ts';
import { assignParams, type LanguageModel } from '../lm/params.ts';
import { checkWeights } from '../loader/weightFiles.ts';
import { parseSafetensors } from '../loader/safetensors.ts';
import type { WeightsRef } from '../protocol/views.ts';
import type { RunRecord } from '../records/run.ts';
import { openAdapted } from './adapterCheckpoint.ts';
import { type EngineState, requireModel } from './engineState.ts';
import { sha256Hex } from './sha256.ts';

/** Beyond it adapters were never looked at. */
const MAX_STRENGTH = 1.5;

/** The weights in use. */
export interface WeightsInUse {
  lm: LanguageModel;
  /** sha256 of the weights file, or of the adapter's, hex; of that and the strength where it is not 1. */
  fingerprint: string;
}

/** The checkpoint that a reference means. @throws EngineError not-found */
export function stepOf(record: RunRecord, step: number | 'best' | 'last'): number {
  const found = step === 'best' ? record.bestStep : step === 'last' ? (record.checkpointSteps.at(-1) ?? null) : step;
  if (found === null || !record.checkpointSteps.includes(found))
    throw new EngineError('not-found', `The run "${record.name}" has no ${typeof step === 'number' ? `checkpoint of step ${step}` : `${step} checkpoint`}; it has those of steps ${record.checkpointSteps.join(', ') || 'none'}.`);
  return found;
}

/**
 * Runs `body` with these weights: the base itself, the base with an adapter beside it, or a copy of it that was trained whole. The LM is
 * borrowed: it is gone when `body` has ended.
 * @throws EngineError not-found | bad-file, bad-argument if the run was trained from another model
 */
export async function withWeights<T>(state: EngineState, ref: WeightsRef, body: (weights: WeightsInUse) => Promise<T>): Promise<T> {
  const model = requireModel(state);
  if (ref.kind === 'base') return body({ lm: model.base, fingerprint: model.view.fingerprint });
  const record = await state.runs.readRecord(ref.runId);
  assertSameBase(record, model.view.fingerprint);
  const bytes = await state.runs.readCheckpoint(ref.runId, stepOf(record, ref.step));
  const { strength = 1 } = ref;
  if (!(strength >= 0 && strength <= MAX_STRENGTH)) throw new EngineError('bad-argument', `The strength of an adapter goes from 0 to ${MAX_STRENGTH}, not ${strength}.`);
  const isAdapter = record.config.trainingMethod === 'lora';
  if (!isAdapter && strength !== 1) throw new EngineError('bad-argument', `The run "${record.name}" trained every weight: only adapters have a strength.`);
  const digest = await sha256Hex(bytes);
  // Another strength is another LM, and says so.
  const fingerprint = strength === 1 ? digest : await sha256Hex(new TextEncoder().encode(`${digest} at strength ${strength}`));
  const lm = isAdapter ? openAdapted(model.base, record.config.lora, bytes, strength) : await openTuned(model.base, bytes);
  try {
    return await body({ lm, fingerprint });
  } finally {
    lm.dispose();
  }
}

/** A copy of the base with all weights of a checkpoint. */
async function openTuned(base: LanguageModel, bytes: Uint8Array): Promise<LanguageModel> {
  const { tensors } = checkWeights(base.config, parseSafetensors(bytes));
  const lm = await cloneLm(base);
  try {
    assignParams(lm, tensors);
    return lm;
  } catch (thrown) {
    lm.dispose();
    throw thrown;
  }
}

/** @throws EngineError bad-argument if the loaded model is not the one the run started from */
export function assertSameBase(record: RunRecord, fingerprint: string): void {
  if (record.baseFingerprint === fingerprint) return;
  throw new EngineError(
    'bad-argument',
    `The run "${record.name}" was trained from another model (${record.modelId}, weights ${record.baseFingerprint.slice(0, 8)}; loaded are ${fingerprint.slice(0, 8)}). Load that model first.`,
  );
}
