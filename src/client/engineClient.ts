/**
 * The studio's end of the wire: sends commands, hears events, and keeps the promise that every job ends exactly once,
 * also when the worker dies. Holds no state that a person sees: that is the store's.
 */
import { EngineError, fromFailure, toFailure, type EngineFailure } from '../base/errors.ts';
import type { Command, EngineEvent, JobName, Jobs } from '../protocol/jobs.ts';

/** What the client needs of a Worker; tests pass their own. */
export interface EngineWorker {
  postMessage(command: Command): void;
  terminate(): void;
  addEventListener(type: 'message', listener: (event: MessageEvent<EngineEvent>) => void): void;
  addEventListener(type: 'error', listener: (event: ErrorEvent) => void): void;
  addEventListener(type: 'messageerror', listener: (event: MessageEvent) => void): void;
}

export interface JobHandle {
  jobId: string;
}

export interface EngineClient {
  /** Asks for a job and returns at once; its fate is told by events. Starts a fresh worker first if the last one is gone. */
  start<N extends JobName>(name: N, params: Jobs[N]['params']): JobHandle;
  /**
   * Starts a job and waits for its result.
   * @param options.signal cancels the job when aborted; `onStart` gives the job's id, for progress
   * @throws EngineError the job's failure; `cancelled` when it was cancelled
   */
  run<N extends JobName>(name: N, params: Jobs[N]['params'], options?: { signal?: AbortSignal; onStart?: (handle: JobHandle) => void }): Promise<Jobs[N]['result']>;
  pause(jobId: string): void;
  resume(jobId: string): void;
  /** Ends a job early and keeps what it made. */
  stop(jobId: string): void;
  /** Drops a job. */
  cancel(jobId: string): void;
  /** Hears every event, in order, until the returned function is called. */
  subscribe(listener: (event: EngineEvent) => void): () => void;
  /** Ends the worker (its open jobs fail with `reason`) and starts a fresh one; `ready` follows. */
  respawn(reason?: EngineFailure): void;
  /** Ends the worker for good. */
  close(): void;
}

type EndEvent = Extract<EngineEvent, { type: 'done' | 'failed' | 'cancelled' }>;
const isEnd = (event: EngineEvent): event is EndEvent => event.type === 'done' || event.type === 'failed' || event.type === 'cancelled';

/**
 * Connects to an engine worker.
 * @param spawn makes a worker: called at once, and again after a crash or a lost GPU
 */
export function createEngineClient(spawn: () => EngineWorker): EngineClient {
  const listeners = new Set<(event: EngineEvent) => void>();
  const open = new Map<string, JobName>();
  let worker: EngineWorker | null = null;
  let sawReady = false;
  let closed = false;

  function tell(event: EngineEvent): void {
    if (isEnd(event)) open.delete(event.jobId);
    for (const listener of [...listeners]) listener(event);
  }

  function failOpenJobs(failure: EngineFailure): void {
    for (const [jobId, name] of [...open]) tell({ type: 'failed', jobId, name, failure });
  }

  function hear(from: EngineWorker, event: EngineEvent): void {
    // A terminated worker may still have messages under way.
    if (from !== worker) return;
    if (event.type === 'ready') sawReady = true;
    // A job that was failed here must not end a second time.
    if (isEnd(event) && !open.has(event.jobId)) return;
    tell(event);
    if (event.type === 'deviceLost') respawn({ code: 'device-lost', message: event.reason });
  }

  function crash(from: EngineWorker, message: string): void {
    if (from !== worker) return;
    const failure: EngineFailure = { code: 'internal', message };
    // A worker that never came up would never come up again: no loop.
    const respawned = sawReady;
    end();
    failOpenJobs(failure);
    if (respawned) begin();
    tell({ type: 'engineCrashed', failure, respawned });
  }

  function begin(): void {
    const fresh = spawn();
    worker = fresh;
    sawReady = false;
    fresh.addEventListener('message', (event) => hear(fresh, event.data));
    fresh.addEventListener('error', (event) => crash(fresh, `The engine stopped: ${event.message || 'its script could not be loaded'}.`));
    fresh.addEventListener('messageerror', () => crash(fresh, 'The engine sent something that cannot be read.'));
  }

  function end(): void {
    worker?.terminate();
    worker = null;
  }

  function respawn(reason: EngineFailure = { code: 'cancelled', message: 'The engine was restarted.' }): void {
    end();
    failOpenJobs(reason);
    if (!closed) begin();
  }

  function send(command: Command): void {
    if (closed) throw new EngineError('internal', 'The engine client is closed.');
    if (!worker) begin();
    (worker as unknown as EngineWorker).postMessage(command);
  }

  function start<N extends JobName>(name: N, params: Jobs[N]['params']): JobHandle {
    const jobId = crypto.randomUUID();
    open.set(jobId, name);
    try {
      send({ type: 'start', jobId, name, params } as Command);
    } catch (thrown) {
      open.delete(jobId);
      throw thrown;
    }
    return { jobId };
  }

  /** Commands about a job that has ended, or is unknown, have nothing to do. */
  function tellJob(type: 'pause' | 'resume' | 'stop' | 'cancel', jobId: string): void {
    if (open.has(jobId)) send({ type, jobId });
  }

  begin();
  return {
    start,
    run(name, params, options = {}) {
      const { signal, onStart } = options;
      return new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(new EngineError('cancelled', 'Cancelled before it began.'));
        let jobId = '';
        const unsubscribe = subscribe((event) => {
          if (!isEnd(event) || event.jobId !== jobId) return;
          unsubscribe();
          signal?.removeEventListener('abort', onAbort);
          if (event.type === 'done') resolve(event.result as never);
          else if (event.type === 'failed') reject(fromFailure(event.failure));
          else reject(new EngineError('cancelled', 'Cancelled.'));
        });
        const onAbort = () => tellJob('cancel', jobId);
        try {
          jobId = start(name, params).jobId;
        } catch (thrown) {
          unsubscribe();
          return reject(thrown instanceof EngineError ? thrown : fromFailure(toFailure(thrown)));
        }
        signal?.addEventListener('abort', onAbort);
        onStart?.({ jobId });
      });
    },
    pause: (jobId) => tellJob('pause', jobId),
    resume: (jobId) => tellJob('resume', jobId),
    stop: (jobId) => tellJob('stop', jobId),
    cancel: (jobId) => tellJob('cancel', jobId),
    subscribe,
    respawn,
    close() {
      closed = true;
      respawn({ code: 'cancelled', message: 'The engine was closed.' });
    },
  };

  function subscribe(listener: (event: EngineEvent) => void): () => void {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }
}
