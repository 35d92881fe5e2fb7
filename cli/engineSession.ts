/** The engine for a command: a session in this process, its jobs as promises, its progress on stderr. */
import { EngineError, fromFailure } from '../src/base/errors.ts';
import { availableThreads } from '../src/kernels/simd/threadPool.ts';
import type { EngineEvent, JobName, Jobs } from '../src/protocol/jobs.ts';
import { createSession } from '../src/worker/session.ts';
import { openModelFiles } from './modelCacheFolder.ts';
import { createNodeFileStore } from './nodeFileStore.ts';
import { createProgressLine } from './progressLine.ts';

/** Both end the job and leave nothing half-written behind. */
const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

export interface CliEngine {
  /** Runs one job to its end. @throws EngineError its failure */
  run<N extends JobName>(name: N, params: Jobs[N]['params'], hear?: (event: EngineEvent) => void): Promise<Jobs[N]['result']>;
  close(): Promise<void>;
}

export interface CliEngineOptions {
  /** Folder for runs and checkpoints, absolute. */
  runsFolder: string;
  /** Where WebGPU is, if the command may use it. */
  gpu?: GPU;
}

/** Starts an engine. Ctrl+C cancels the job that runs. */
export async function openCliEngine({ runsFolder, gpu }: CliEngineOptions): Promise<CliEngine> {
  const line = createProgressLine(process.stderr);
  let listener: (event: EngineEvent) => void = () => {};
  const session = createSession({
    files: createNodeFileStore(runsFolder),
    modelFiles: openModelFiles(),
    host: {
      ...(gpu ? { gpu } : {}),
      threads: availableThreads(),
      holdAwake: (_name, body) => body(),
      now: () => performance.now(),
      timestamp: () => new Date().toISOString(),
    },
    emit: (event) => listener(event),
  });
  await session.start();
  let jobs = 0;
  return {
    run(name, params, hear) {
      const jobId = `job-${++jobs}`;
      const onInterrupt = () => session.startCommand({ type: 'cancel', jobId });
      for (const signal of SIGNALS) process.once(signal, onInterrupt);
      return new Promise<never>((resolve, reject) => {
        listener = (event) => {
          hear?.(event);
          if (event.type === 'progressed') line.show(event.progress);
          if (event.type !== 'done' && event.type !== 'failed' && event.type !== 'cancelled') return;
          for (const signal of SIGNALS) process.off(signal, onInterrupt);
          line.end();
          if (event.type === 'done') resolve(event.result as never);
          else reject(event.type === 'failed' ? fromFailure(event.failure) : new EngineError('cancelled', 'Cancelled.'));
        };
        session.startCommand({ type: 'start', jobId, name, params } as never);
      });
    },
    close: () => session.close(),
  };
}
