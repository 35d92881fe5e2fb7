/** Mirror of the jobs: queued, running, paused, and exactly one end. A job that has ended never changes again. */
import type { EngineEvent } from '../../../src/protocol/jobs.ts';
import type { JobsState, JobView } from './mirror.ts';

/** Ended jobs kept for the pages that show the last result or failure. */
const KEPT = 50;

export function isEnded(job: JobView): boolean {
  return job.status === 'done' || job.status === 'failed' || job.status === 'cancelled';
}

export function reduceJobs(jobs: JobsState, event: EngineEvent): JobsState {
  switch (event.type) {
    case 'queued':
      if (jobs.byId[event.jobId]) return jobs;
      return add(jobs, { id: event.jobId, name: event.name, status: 'queued', startedAt: null, progress: null, failure: null });
    case 'started': {
      const known = jobs.byId[event.jobId] ? jobs : add(jobs, { id: event.jobId, name: event.name, status: 'queued', startedAt: null, progress: null, failure: null });
      return change(known, event.jobId, { status: 'running', startedAt: event.at });
    }
    case 'progressed':
      return change(jobs, event.jobId, { progress: event.progress });
    case 'paused':
      return change(jobs, event.jobId, { status: 'paused' });
    case 'resumed':
      return change(jobs, event.jobId, { status: 'running' });
    case 'done':
      return change(jobs, event.jobId, { status: 'done' });
    case 'failed':
      return change(jobs, event.jobId, { status: 'failed', failure: event.failure });
    case 'cancelled':
      return change(jobs, event.jobId, { status: 'cancelled' });
    case 'ready': {
      // A fresh worker knows nothing of the old one's jobs: those that had not ended are over.
      let next = jobs;
      for (const id of jobs.order) next = change(next, id, { status: 'cancelled' });
      return next;
    }
    default:
      return jobs;
  }
}

function add(jobs: JobsState, job: JobView): JobsState {
  const byId = { ...jobs.byId, [job.id]: job };
  const order = [...jobs.order, job.id];
  const ended = order.filter((id) => isEnded(byId[id]!));
  for (const id of ended.slice(0, Math.max(0, ended.length - KEPT))) {
    delete byId[id];
    order.splice(order.indexOf(id), 1);
  }
  return { byId, order };
}

function change(jobs: JobsState, id: string, patch: Partial<JobView>): JobsState {
  const job = jobs.byId[id];
  if (!job || isEnded(job)) return jobs;
  return { ...jobs, byId: { ...jobs.byId, [id]: { ...job, ...patch } } };
}
