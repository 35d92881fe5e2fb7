/** What the navigation says of each station: how far it is, from what has really happened. Pure selectors. */
import { isEnded } from './mirror/jobs.ts';
import type { JobView } from './mirror/mirror.ts';
import type { Station } from './route.ts';
import type { StudioState } from './studio.ts';

export interface StationMark {
  /** `done` has what the next station needs; `busy` a job of it runs. */
  state: 'empty' | 'some' | 'done' | 'busy';
  /** Short: "120", "12/80". */
  text: string;
}

/** Curated unsafe responses below which fine-tuning has too little to move away from. */
export const ENOUGH_UNSAFE = 20;

const JOB_STATION: Partial<Record<JobView['name'], Station>> = {
  openEngine: 'model', loadModel: 'model', verifyModel: 'model', measureStep: 'train', generate: 'curate', train: 'train', resumeRun: 'train', evaluate: 'evaluate', exportModel: 'export',
};

/** The job that runs or waits, oldest first; null when the engine is idle. */
export function selectActiveJob(state: StudioState): JobView | null {
  const { byId, order } = state.mirror.jobs;
  const open = order.map((id) => byId[id]!).filter((job) => !isEnded(job));
  return open.find((job) => job.status !== 'queued') ?? open[0] ?? null;
}

/** The newest job of one of these names, ended or not. */
export function selectLastJob(state: StudioState, ...names: JobView['name'][]): JobView | null {
  const { byId, order } = state.mirror.jobs;
  for (let index = order.length - 1; index >= 0; index -= 1) {
    const job = byId[order[index]!]!;
    if (names.includes(job.name)) return job;
  }
  return null;
}

export interface LabelCounts {
  responses: number;
  labelled: number;
  safe: number;
  unsafe: number;
  partial: number;
  incoherent: number;
  skipped: number;
  discarded: number;
  edited: number;
}

export function countLabels(project: StudioState['project']): LabelCounts {
  const counts: LabelCounts = { responses: project.responses.length, labelled: 0, safe: 0, unsafe: 0, partial: 0, incoherent: 0, skipped: 0, discarded: 0, edited: 0 };
  for (const response of project.responses) {
    const curation = project.curations[response.id];
    if (!curation) continue;
    if (curation.edit !== undefined) counts.edited += 1;
    if (curation.discarded) counts.discarded += 1;
    else if (curation.label) counts[curation.label] += 1;
    if (curation.discarded || curation.label) counts.labelled += 1;
  }
  return counts;
}

export function markOf(state: StudioState, station: Station): StationMark {
  const active = selectActiveJob(state);
  const mark = restingMark(state, station);
  return active && JOB_STATION[active.name] === station ? { ...mark, state: 'busy' } : mark;
}

function restingMark(state: StudioState, station: Station): StationMark {
  const { mirror, project } = state;
  switch (station) {
    case 'model':
      return mirror.model ? { state: 'done', text: '' } : { state: 'empty', text: '' };
    case 'prompts':
      return project.prompts.length > 0 ? { state: 'done', text: String(project.prompts.length) } : { state: 'empty', text: '' };
    case 'curate': {
      const counts = countLabels(project);
      if (counts.responses === 0) return { state: 'empty', text: '' };
      return { state: counts.unsafe >= ENOUGH_UNSAFE ? 'done' : 'some', text: `${counts.labelled}/${counts.responses}` };
    }
    case 'train': {
      const runs = mirror.runs.order.map((id) => mirror.runs.byId[id]!);
      const finished = runs.some((run) => run.status === 'completed' || run.status === 'stopped');
      return { state: finished ? 'done' : runs.length > 0 ? 'some' : 'empty', text: '' };
    }
    case 'evaluate':
      return { state: project.reports.length > 0 ? 'done' : 'empty', text: '' };
    case 'runs':
      return mirror.runs.order.length > 0 ? { state: 'done', text: String(mirror.runs.order.length) } : { state: 'empty', text: '' };
    case 'export':
      return { state: mirror.jobs.order.some((id) => mirror.jobs.byId[id]?.name === 'exportModel' && mirror.jobs.byId[id]?.status === 'done') ? 'done' : 'empty', text: '' };
  }
}
