/**
 * Decides, kernel by kernel and size by size, whether a job is faster on all threads or on the caller's alone: with another program on the
 * other cores threads lose. It measures both now and then and keeps the faster. Results are the same either way.
 */

/** Every so many runs of a kernel at one size, the slower way is measured again. */
const probeEvery = 24;
/** First both ways are measured this often, in turn. */
const firstProbes = 3;
/** Weight of the newest measurement. */
const newest = 0.3;

interface Record {
  runs: number;
  /** Smoothed duration on one thread and on all, ms; 0 before the first. */
  aloneMs: number;
  sharedMs: number;
}

export class ThreadTuner {
  private readonly records = new Map<string, Record>();

  /** @param now a clock in ms; a parameter for tests */
  constructor(private readonly now: () => number = () => performance.now()) {}

  /**
   * Runs `shared` or `alone`, which do the same work. `shared` is told how long `alone` takes, ms, or Infinity before that is known.
   * @param work floating-point operations; sizes within a factor of two are judged together
   */
  run(name: string, work: number, shared: (expectedMs: number) => void, alone: () => void): void {
    const key = `${name} ${Math.round(Math.log2(work + 1))}`;
    let record = this.records.get(key);
    if (!record) this.records.set(key, (record = { runs: 0, aloneMs: 0, sharedMs: 0 }));
    const together = this.choose(record);
    record.runs++;
    const started = this.now();
    if (together) shared(record.aloneMs === 0 ? Infinity : record.aloneMs);
    else alone();
    const elapsed = this.now() - started;
    if (together) record.sharedMs = record.sharedMs === 0 ? elapsed : record.sharedMs + newest * (elapsed - record.sharedMs);
    else record.aloneMs = record.aloneMs === 0 ? elapsed : record.aloneMs + newest * (elapsed - record.aloneMs);
  }

  private choose({ runs, aloneMs, sharedMs }: Record): boolean {
    if (runs < 2 * firstProbes) return runs % 2 === 0;
    const sharedWins = sharedMs <= aloneMs;
    return runs % probeEvery === 0 ? !sharedWins : sharedWins;
  }
}
