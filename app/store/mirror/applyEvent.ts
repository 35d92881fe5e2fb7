/** The one function that changes the mirror: state and event in, new state out. Pure, so an event log replays to the same state. */
import type { EngineEvent } from '../../../src/protocol/jobs.ts';
import type { Mirror } from './mirror.ts';
import { reduceCache } from './cache.ts';
import { reduceEngine } from './engine.ts';
import { reduceJobs } from './jobs.ts';
import { reduceModel } from './model.ts';
import { reduceRuns } from './runs.ts';
import { reduceStreams } from './streams.ts';

export function applyEvent(mirror: Mirror, event: EngineEvent): Mirror {
  const next: Mirror = {
    engine: reduceEngine(mirror.engine, event),
    model: reduceModel(mirror.model, event),
    cache: reduceCache(mirror.cache, event),
    jobs: reduceJobs(mirror.jobs, event),
    runs: reduceRuns(mirror.runs, event),
    streams: reduceStreams(mirror.streams, event),
  };
  const same = (Object.keys(next) as (keyof Mirror)[]).every((key) => next[key] === mirror[key]);
  return same ? mirror : next;
}
