/**
 * Thins out what the engine says: steps and progress at most 10 times a second, streamed text about 20 times.
 * Nothing is dropped but outdated progress, and the order of a job's events stays. No timers: what is due goes out on the way.
 */
import type { EngineEvent, StreamedText } from '../protocol/jobs.ts';
import type { StepMetrics } from '../records/run.ts';

/** Ten updates a second are as many as a chart can show. */
const METRICS_INTERVAL_MS = 100;
/** Text that appears in steps of 50 ms reads as flowing. */
const TEXT_INTERVAL_MS = 50;

type Progressed = Extract<EngineEvent, { type: 'progressed' }>;

export interface Coalescer {
  /** Takes an event; sends it, now or later, together with others of its kind. */
  push(event: EngineEvent): void;
  /** Sends what has waited long enough. To be called between units of work. */
  flushDue(): void;
  /** Sends everything that waits. */
  flush(): void;
}

/**
 * @param emit where events go
 * @param now  monotonic milliseconds
 */
export function createCoalescer(emit: (event: EngineEvent) => void, now: () => number): Coalescer {
  const steps = new Map<string, { runId: string; steps: StepMetrics[] }>();
  const progress = new Map<string, Progressed>();
  const text = new Map<string, Map<string, StreamedText>>();
  let metricsSentMs = -Infinity;
  let textSentMs = -Infinity;

  function flushMetrics(): void {
    metricsSentMs = now();
    for (const [jobId, logged] of steps) emit({ type: 'stepsLogged', jobId, ...logged });
    steps.clear();
    for (const event of progress.values()) emit(event);
    progress.clear();
  }
  function flushText(): void {
    textSentMs = now();
    for (const [jobId, pieces] of text) emit({ type: 'textStreamed', jobId, pieces: [...pieces.values()] });
    text.clear();
  }
  function flush(): void {
    if (text.size) flushText();
    if (steps.size || progress.size) flushMetrics();
  }
  function flushDue(): void {
    const at = now();
    if (text.size && at - textSentMs >= TEXT_INTERVAL_MS) flushText();
    if ((steps.size || progress.size) && at - metricsSentMs >= METRICS_INTERVAL_MS) flushMetrics();
  }

  return {
    flush,
    flushDue,
    push(event) {
      switch (event.type) {
        case 'stepsLogged': {
          const logged = steps.get(event.jobId);
          if (logged) logged.steps.push(...event.steps);
          else steps.set(event.jobId, { runId: event.runId, steps: [...event.steps] });
          return flushDue();
        }
        case 'progressed':
          progress.set(event.jobId, event);
          return flushDue();
        case 'textStreamed': {
          const pieces = text.get(event.jobId) ?? new Map<string, StreamedText>();
          text.set(event.jobId, pieces);
          for (const piece of event.pieces) {
            const key = `${piece.sample}/${piece.promptId}`;
            const before = pieces.get(key);
            pieces.set(key, before ? { ...before, text: before.text + piece.text } : { ...piece });
          }
          return flushDue();
        }
        default:
          flush();
          emit(event);
      }
    },
  };
}
