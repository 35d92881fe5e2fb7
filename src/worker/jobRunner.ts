/**
 * Runs jobs: a queue with one GPU job at a time, and one lifecycle for all:
 * queued, started, progressed*, (paused, resumed)*, then exactly one of done, failed, cancelled.
 * Knows nothing of what the jobs do.
 */
import { EngineError, toFailure } from '../base/errors.ts';
import type { Command, EngineEvent, JobName, Jobs } from '../protocol/jobs.ts';
import { createProgressEstimate, type ProgressReport } from './progressEstimate.ts';

/** What a running job may do besides its work. */
export interface JobControl {
  readonly jobId: string;
  /** Aborted when the job is cancelled, or when the engine fails under it. */
  readonly signal: AbortSignal;
  /** True once the person asked to end early and keep what there is. */
  readonly stopRequested: boolean;
  /** True once the person asked for a pause; `turn` will wait until they resume. */
  readonly pauseRequested: boolean;
  /** Aborted together with `stopRequested`, and whenever `signal` is. */
  readonly stopSignal: AbortSignal;
  /** Says how far it is; time left is estimated here unless given. */
  progress(report: ProgressReport): void;
  /**
   * To be awaited between units of work: lets commands in, and waits here while the job is paused.
   * @throws EngineError cancelled, or the error that the engine failed with
   */
  turn(): Promise<void>;
}

export type JobBody<N extends JobName> = (params: Jobs[N]['params'], control: JobControl) => Promise<Jobs[N]['result']>;
export type JobBodies = { [N in JobName]: JobBody<N> };

export interface JobRunnerOptions {
  bodies: JobBodies;
  emit: (event: EngineEvent) => void;
  /** Jobs that need no GPU run at once, beside the one that does. */
  immediate: ReadonlySet<JobName>;
  /** Milliseconds from any origin, monotonic. */
  now: () => number;
  /** ISO time of day. */
  timestamp: () => string;
  /** Lets waiting messages in. */
  yieldToEvents: () => Promise<void>;
  /** At least this long between two yields, ms: yielding itself costs time. */
  yieldEveryMs?: number;
}

export interface JobRunner {
  /** Obeys a command. Commands for jobs that have ended, or that their state gives no meaning to, do nothing. */
  obey(command: Command): void;
  /** Fails every open job, for instance because the device is lost. */
  failAll(error: EngineError): void;
  /** Resolves when no job is open. */
  idle(): Promise<void>;
}

interface Job {
  readonly jobId: string;
  readonly name: JobName;
  readonly params: unknown;
  readonly cancelController: AbortController;
  readonly stopController: AbortController;
  state: 'queued' | 'running' | 'paused' | 'ended';
  pauseRequested: boolean;
  /** Set while paused: wakes the job up. */
  wake: (() => void) | null;
  startedMs: number;
  pausedMs: number;
}

/** Creates a runner; nothing runs until it is told to. */
export function createJobRunner(options: JobRunnerOptions): JobRunner {
  const { bodies, emit, immediate, now, timestamp, yieldToEvents, yieldEveryMs = 8 } = options;
  const known = new Set<string>();
  const open = new Map<string, Job>();
  const queue: Job[] = [];
  let gpuJob: Job | null = null;
  let lastYieldMs = -Infinity;
  let idleWaiters: (() => void)[] = [];

  function end(job: Job, event: EngineEvent): void {
    job.state = 'ended';
    open.delete(job.jobId);
    if (gpuJob === job) gpuJob = null;
    emit(event);
    startNext();
    if (open.size === 0) {
      const waiters = idleWaiters;
      idleWaiters = [];
      for (const resolve of waiters) resolve();
    }
  }

  function startNext(): void {
    if (gpuJob) return;
    const next = queue.shift();
    if (!next) return;
    gpuJob = next;
    void run(next);
  }

  async function run(job: Job): Promise<void> {
    const { jobId, name } = job;
    job.state = 'running';
    job.startedMs = now();
    emit({ type: 'started', jobId, name, at: timestamp() });
    const cancelSignal = job.cancelController.signal;
    try {
      const body = bodies[name] as JobBody<JobName>;
      const result = await body(job.params as never, controlOf(job));
      if (cancelSignal.aborted) throw cancelSignal.reason;
      end(job, { type: 'done', jobId, name, result } as EngineEvent);
    } catch (thrown) {
      // Whatever a body throws once it was told to end is an echo of that.
      const cause = cancelSignal.aborted ? cancelSignal.reason : thrown;
      const failure = toFailure(cause);
      end(job, failure.code === 'cancelled' ? { type: 'cancelled', jobId, name } : { type: 'failed', jobId, name, failure });
    }
  }

  function controlOf(job: Job): JobControl {
    const estimate = createProgressEstimate();
    const { jobId, cancelController, stopController } = job;
    return {
      jobId,
      signal: cancelController.signal,
      stopSignal: stopController.signal,
      get stopRequested() {
        return stopController.signal.aborted;
      },
      get pauseRequested() {
        return job.pauseRequested;
      },
      progress(report) {
        if (job.state !== 'running') return;
        emit({ type: 'progressed', jobId, progress: estimate(report, now() - job.startedMs - job.pausedMs) });
      },
      async turn() {
        cancelController.signal.throwIfAborted();
        if (now() - lastYieldMs >= yieldEveryMs) {
          await yieldToEvents();
          lastYieldMs = now();
        }
        if (job.pauseRequested) await waitWhilePaused(job);
        cancelController.signal.throwIfAborted();
      },
    };
  }

  async function waitWhilePaused(job: Job): Promise<void> {
    if (job.cancelController.signal.aborted || job.stopController.signal.aborted) return;
    job.state = 'paused';
    const since = now();
    // Before it is told: who hears of the pause may resume at once.
    const woken = new Promise<void>((resolve) => (job.wake = resolve));
    emit({ type: 'paused', jobId: job.jobId });
    await woken;
    job.wake = null;
    job.pausedMs += now() - since;
    job.state = 'running';
    if (!job.cancelController.signal.aborted) emit({ type: 'resumed', jobId: job.jobId });
  }

  function abort(job: Job, error: EngineError): void {
    if (job.cancelController.signal.aborted) return;
    if (job.state === 'queued') {
      queue.splice(queue.indexOf(job), 1);
      const { jobId, name } = job;
      end(job, error.code === 'cancelled' ? { type: 'cancelled', jobId, name } : { type: 'failed', jobId, name, failure: toFailure(error) });
      return;
    }
    job.cancelController.abort(error);
    job.stopController.abort(error);
    job.wake?.();
  }

  function start(command: Extract<Command, { type: 'start' }>): void {
    const { jobId, name, params } = command;
    if (known.has(jobId)) throw new EngineError('bad-argument', `job ${jobId} was started twice`);
    known.add(jobId);
    const job: Job = {
      jobId,
      name,
      params,
      cancelController: new AbortController(),
      stopController: new AbortController(),
      state: 'queued',
      pauseRequested: false,
      wake: null,
      startedMs: 0,
      pausedMs: 0,
    };
    open.set(jobId, job);
    emit({ type: 'queued', jobId, name });
    if (immediate.has(name)) void run(job);
    else {
      queue.push(job);
      startNext();
    }
  }

  return {
    obey(command) {
      if (command.type === 'start') return start(command);
      const job = open.get(command.jobId);
      if (!job) return;
      switch (command.type) {
        case 'pause':
          job.pauseRequested = true;
          return;
        case 'resume':
          job.pauseRequested = false;
          job.wake?.();
          return;
        case 'stop':
          // A queued job has made nothing that could be kept.
          if (job.state === 'queued') return abort(job, new EngineError('cancelled', 'Stopped before it began.'));
          job.pauseRequested = false;
          job.stopController.abort(new EngineError('cancelled', 'Stopped.'));
          job.wake?.();
          return;
        case 'cancel':
          abort(job, new EngineError('cancelled', 'Cancelled.'));
      }
    },
    failAll(error) {
      for (const job of [...open.values()]) abort(job, error);
    },
    idle() {
      return open.size === 0 ? Promise.resolve() : new Promise((resolve) => idleWaiters.push(resolve));
    },
  };
}
