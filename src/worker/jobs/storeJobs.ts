/** The short jobs that need no GPU queue: the list of runs, deleting or renaming one, measuring memory. */
import { EngineError } from '../../base/errors.ts';
import { type EngineState, requireBackend } from '../engineState.ts';
import type { JobBody } from '../jobRunner.ts';
import { summaryOf } from '../runSummary.ts';

export const listRunsJob =
  (state: EngineState): JobBody<'listRuns'> =>
  () =>
    state.runs.list((runId) => runId === state.openRunId);

export const deleteRunJob =
  (state: EngineState): JobBody<'deleteRun'> =>
  async ({ runId }) => {
    if (runId === state.openRunId) throw new EngineError('busy', 'This run is being trained. Stop or cancel it first.');
    await state.runs.remove(runId);
    return { runId };
  };

export const renameRunJob =
  (state: EngineState): JobBody<'renameRun'> =>
  async ({ runId, name }) => {
    const trimmed = name.trim();
    if (trimmed === '') throw new EngineError('bad-argument', 'A run needs a name of at least one character.');
    if (runId === state.openRunId) throw new EngineError('busy', 'This run is being trained. Rename it when it has ended.');
    const record = { ...(await state.runs.readRecord(runId)), name: trimmed };
    await state.runs.writeRecord(record);
    state.emit({ type: 'runChanged', run: summaryOf(record) });
    return { runId, name: trimmed };
  };

export const measureMemoryJob =
  (state: EngineState): JobBody<'measureMemory'> =>
  async () => {
    const memory = requireBackend(state).backend.memory();
    state.emit({ type: 'memoryMeasured', memory });
    return memory;
  };
