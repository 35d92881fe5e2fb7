/** How long each phase of a command took. */
import { formatDuration } from './progressLine.ts';

const PHASES = ['load', 'generate', 'train', 'evaluate', 'export'] as const;
export type Phase = (typeof PHASES)[number];
export type Timings = Record<`${Phase}_ms` | 'total_ms', number>;

export interface PhaseTimer {
  /** Ends a phase: the time since the one before belongs to it. */
  lap(phase: Phase): void;
  timings(): Timings;
  /** "load 1 s, generate 4 s, …" */
  describe(): string;
}

export function createPhaseTimer(now: () => number = () => performance.now()): PhaseTimer {
  const startedMs = now();
  const laps = new Map<Phase, number>();
  let lastMs = startedMs;
  const timings = (): Timings => {
    const spent = Object.fromEntries(PHASES.map((phase) => [`${phase}_ms`, Math.round(laps.get(phase) ?? 0)])) as Record<`${Phase}_ms`, number>;
    return { ...spent, total_ms: Math.round(now() - startedMs) };
  };
  return {
    lap(phase) {
      const at = now();
      laps.set(phase, at - lastMs);
      lastMs = at;
    },
    timings,
    describe: () => [...[...laps].map(([phase, ms]) => `${phase} ${formatDuration(ms)}`), `total ${formatDuration(now() - startedMs)}`].join(', '),
  };
}
