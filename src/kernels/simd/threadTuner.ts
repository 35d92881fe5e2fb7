/**
 * Decides, kernel by kernel and size by size, whether a job is faster on all threads or on the caller's alone: with another program on the
 * other cores threads lose. Results are the same either way.
 *
 * Both ways are measured in stretches of time, not job by job: a helper that has just worked is awake and takes a chunk within a microsecond,
 * one that has slept costs more to wake than a small job is worth, so that single tries would always speak for one thread.
 */

/** The stretches, ms: all jobs shared, all alone, each the better way; then from the start again. */
const stretches = [
  { way: 'shared', ms: 8 },
  { way: 'alone', ms: 4 },
  { way: 'better', ms: 400 },
] as const;
/**
 * A job goes to the caller alone only if it is faster so by this factor: switching between the ways from job to job costs both of them, as
 * values then lie in the wrong core's cache. Where another program has the other core, threads lose by far more.
 */
const clearly = 1.25;
/** Weight of the newest measurement: large where it is shorter than before, as compiling and other programs only ever lengthen a job. */
const newest = { shorter: 0.8, longer: 0.2 };
/** A job that follows another one within this time is part of a run of work: more will come, so that waking helpers pays. */
const runOfWorkMs = 2;

interface Durations {
  /** Smoothed, ms; 0 before the first. */
  alone: number;
  shared: number;
}

export class ThreadTuner {
  private readonly durations = new Map<string, Durations>();
  private stretch = 0;
  private stretchBegan: number;
  private lastEnded = -Infinity;

  /** @param now a clock in ms; a parameter for tests */
  constructor(private readonly now: () => number = () => performance.now()) {
    this.stretchBegan = now();
  }

  /**
   * Runs `shared` or `alone`, which do the same work. `shared` is told how long the job is in ms for the question whether sleeping helpers are
   * worth waking: Infinity in a run of work.
   * @param work floating-point operations; sizes within a factor of two are judged together
   */
  run(name: string, work: number, shared: (expectedMs: number) => void, alone: () => void): void {
    const key = `${name} ${Math.round(Math.log2(work + 1))}`;
    let durations = this.durations.get(key);
    if (!durations) this.durations.set(key, (durations = { alone: 0, shared: 0 }));
    const began = this.now();
    const way = this.choose(durations, began);
    if (way === 'shared') shared(durations.alone === 0 || began - this.lastEnded < runOfWorkMs ? Infinity : durations.alone);
    else alone();
    this.lastEnded = this.now();
    const elapsed = this.lastEnded - began;
    const before = durations[way];
    durations[way] = before === 0 ? elapsed : before + (elapsed < before ? newest.shorter : newest.longer) * (elapsed - before);
  }

  private choose(durations: Durations, at: number): 'shared' | 'alone' {
    if (at - this.stretchBegan > stretches[this.stretch]!.ms) {
      this.stretch = (this.stretch + 1) % stretches.length;
      this.stretchBegan = at;
    }
    const { way } = stretches[this.stretch]!;
    if (way !== 'better') return way;
    return durations.alone > 0 && durations.shared > clearly * durations.alone ? 'alone' : 'shared';
  }
}
