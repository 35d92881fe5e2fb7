/** Bytes, speed and time left of a download of several files. The count never falls, also where a file has to begin anew. */

export interface DownloadProgress {
  /** The file that is arriving. */
  path: string;
  /** Highest count so far of bytes that are there, those of earlier sessions too. */
  doneBytes: number;
  totalBytes: number;
  /** Over the network, in the last seconds; null at first. */
  bytesPerSecond: number | null;
  /** From that speed and what really is missing, also while a file is fetched a second time. */
  etaMs: number | null;
}

export interface DownloadMeter {
  /** @param sizeBytes of this file that are there @param receivedBytes that just came over the network */
  add(path: string, sizeBytes: number, receivedBytes: number): DownloadProgress;
  /** The size of a file that was not known before. */
  setTotal(totalBytes: number): void;
}

const WINDOW_MS = 5000;
/** A shorter stretch says nothing of the speed. */
const MIN_WINDOW_MS = 250;

/** @param there bytes of each file at the start @param now milliseconds, monotonic */
export function createDownloadMeter(there: ReadonlyMap<string, number>, totalBytes: number, now: () => number): DownloadMeter {
  const sizes = new Map(there);
  let sum = [...sizes.values()].reduce((a, b) => a + b, 0);
  let doneBytes = sum;
  let total = totalBytes;
  let received = 0;
  let samples: { ms: number; received: number }[] = [{ ms: now(), received: 0 }];
  return {
    add(path, sizeBytes, receivedBytes) {
      sum += sizeBytes - (sizes.get(path) ?? 0);
      sizes.set(path, sizeBytes);
      doneBytes = Math.max(doneBytes, sum);
      received += receivedBytes;
      const ms = now();
      const last = samples.at(-1) as { ms: number };
      // A sample every 50 ms at most, however small the pieces are.
      if (ms - last.ms >= 50) samples.push({ ms, received });
      if (ms - (samples[0] as { ms: number }).ms > WINDOW_MS) samples = samples.filter((sample, i) => i === samples.length - 1 || ms - sample.ms <= WINDOW_MS);
      const first = samples[0] as { ms: number; received: number };
      const elapsedMs = ms - first.ms;
      const bytesPerSecond = elapsedMs >= MIN_WINDOW_MS ? ((received - first.received) / elapsedMs) * 1000 : null;
      const etaMs = bytesPerSecond !== null && bytesPerSecond > 0 ? (Math.max(0, total - sum) / bytesPerSecond) * 1000 : null;
      return { path, doneBytes, totalBytes: Math.max(total, doneBytes), bytesPerSecond, etaMs };
    },
    setTotal(totalBytes) {
      total = totalBytes;
    },
  };
}
