/** Mirror of the training runs the worker keeps: the inventory, and what a live run logs. */
import type { EngineEvent } from '../../../src/protocol/jobs.ts';
import type { RunRecord } from '../../../src/records/run.ts';
import type { RunsState } from './mirror.ts';

export function reduceRuns(runs: RunsState, event: EngineEvent): RunsState {
  switch (event.type) {
    case 'ready':
      return fromList(event.runs);
    case 'runChanged': {
      const known = runs.byId[event.run.id];
      return put(runs, { ...event.run, metrics: known?.metrics ?? [], evaluations: known?.evaluations ?? [] });
    }
    case 'stepsLogged': {
      const run = runs.byId[event.runId];
      const first = event.steps[0];
      if (!run || !first) return runs;
      // A resumed run logs again from its last saved state: the newer line of a step counts.
      const metrics = [...run.metrics.filter((line) => line.step < first.step), ...event.steps];
      return put(runs, { ...run, metrics, step: Math.max(run.step, metrics.at(-1)!.step) });
    }
    case 'evaluated': {
      const run = runs.byId[event.runId];
      if (!run) return runs;
      const evaluations = [...run.evaluations.filter((point) => point.step !== event.point.step), event.point].sort((a, b) => a.step - b.step);
      return put(runs, { ...run, evaluations });
    }
    case 'done':
      if (event.name === 'train' || event.name === 'resumeRun' || event.name === 'importAdapter') return put(runs, event.result);
      if (event.name === 'listRuns') return fromList(event.result);
      if (event.name === 'deleteRun') return remove(runs, event.result.runId);
      return runs;
    default:
      return runs;
  }
}

function fromList(list: readonly RunRecord[]): RunsState {
  const sorted = [...list].sort((a, b) => (a.createdAt < b.createdAt ? -1 : a.createdAt > b.createdAt ? 1 : 0));
  return { byId: Object.fromEntries(sorted.map((run) => [run.id, run])), order: sorted.map((run) => run.id) };
}

function put(runs: RunsState, run: RunRecord): RunsState {
  const order = runs.byId[run.id] ? runs.order : [...runs.order, run.id];
  return { byId: { ...runs.byId, [run.id]: run }, order };
}

function remove(runs: RunsState, runId: string): RunsState {
  if (!runs.byId[runId]) return runs;
  const byId = { ...runs.byId };
  delete byId[runId];
  return { byId, order: runs.order.filter((id) => id !== runId) };
}
