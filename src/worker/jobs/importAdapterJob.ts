/** Keeps a PEFT adapter as a run of the loaded LM with one checkpoint, so that it is used and judged like those that were trained here. */
import { EngineError } from '../../base/errors.ts';
import { parseTrainConfig } from '../../config/train.ts';
import { ADAPTER_CONFIG, readPeftAdapter } from '../../loader/peftAdapter.ts';
import { openGivenFiles } from '../../loader/zipFolder.ts';
import type { ModelView } from '../../protocol/views.ts';
import type { RunRecord } from '../../records/run.ts';
import { encodeAdapter } from '../adapterCheckpoint.ts';
import { type EngineState, requireBackend, requireModel } from '../engineState.ts';
import type { JobBody } from '../jobRunner.ts';
import { summaryOf } from '../runSummary.ts';
import { sha256Hex } from '../sha256.ts';

const lastPart = (path: string): string => path.split(/[\\/]/).filter(Boolean).at(-1)?.toLowerCase() ?? '';

/** An adapter that fits may still be for another LM of the same shape. Names prove nothing, as folders are renamed: it is told, not refused. */
function otherBase(named: string | null, { name, source }: ModelView): string | null {
  if (named === null || named.trim() === '') return null;
  const known = [name, source.kind === 'hub' ? source.id : name].map(lastPart);
  if (known.includes(lastPart(named))) return null;
  return `The adapter names ${named.slice(0, 200)} as its base; loaded is ${name}. It fits in names and shapes, but beside other weights it may say nothing of use.`;
}

export const importAdapterJob =
  (state: EngineState): JobBody<'importAdapter'> =>
  async ({ name, files }) => {
    const { view } = requireBackend(state);
    const { base, view: model } = requireModel(state);
    const trimmed = name.trim();
    if (trimmed === '') throw new EngineError('bad-argument', 'An adapter needs a name of at least one character.');
    if (files.length === 0) throw new EngineError('bad-argument', `There are no files. Give ${ADAPTER_CONFIG} and the weights beside it.`);
    const { config: lora, tensors, baseModelNameOrPath } = await readPeftAdapter(await openGivenFiles(files), base.config);
    const notice = otherBase(baseModelNameOrPath, model);
    const bytes = encodeAdapter(base.config, tensors);
    const at = state.host.timestamp();
    const record: RunRecord = {
      id: crypto.randomUUID(),
      name: trimmed,
      status: 'completed',
      imported: true,
      ...(notice === null ? {} : { notice }),
      modelId: model.id,
      baseFingerprint: model.fingerprint,
      backend: view.backend,
      config: parseTrainConfig({ trainingMethod: 'lora', lora }),
      data: { unsafe: 0, everyday: 0, borderline: 0, sha256: await sha256Hex(bytes) },
      step: 0,
      bestStep: null,
      bestReason: null,
      checkpointSteps: [0],
      savedStep: null,
      metrics: [],
      evaluations: [],
      createdAt: at,
      updatedAt: at,
    };
    // The checkpoint first: a record must not promise what is not there.
    await state.runs.writeCheckpoint(record.id, 0, bytes);
    await state.runs.writeRecord(record);
    state.emit({ type: 'runChanged', run: summaryOf(record) });
    return record;
  };
