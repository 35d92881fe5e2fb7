/** Progress for people: one line that is rewritten on a terminal, now and then a new line elsewhere. */
import type { JobProgress } from '../src/protocol/views.ts';

/** In a log file a line every few seconds is enough. */
const LOG_INTERVAL_MS = 5000;

export interface ProgressLine {
  show(progress: JobProgress): void;
  /** Ends the line, so that what follows starts on a new one. */
  end(): void;
}

/** "1:05 min" or "12 s". */
export function formatDuration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')} min`;
}

function formatCount({ done, total, unit }: JobProgress): string {
  if (unit !== 'bytes') return `${done}/${total} ${unit}`;
  const mb = (bytes: number) => (bytes / 1e6).toFixed(1);
  return `${mb(done)}/${mb(total)} MB`;
}

/** "training 12/60 steps, 840 tokens/s, 0:40 min left" */
export function formatProgress(progress: JobProgress): string {
  const parts = [`${progress.phase} ${formatCount(progress)}`];
  if (progress.tokensPerSecond !== undefined) parts.push(`${Math.round(progress.tokensPerSecond)} tokens/s`);
  if (progress.bytesPerSecond !== undefined) parts.push(`${(progress.bytesPerSecond / 1e6).toFixed(1)} MB/s`);
  if (progress.etaMs !== null) parts.push(`${formatDuration(progress.etaMs)} left`);
  return parts.join(', ');
}

export function createProgressLine(stream: NodeJS.WriteStream, now: () => number = () => performance.now()): ProgressLine {
  let shownMs = -Infinity;
  let phase = '';
  let open = false;
  return {
    show(progress) {
      const text = `  ${formatProgress(progress)}`;
      if (stream.isTTY) {
        stream.write(`\r\u001b[K${text.slice(0, Math.max(20, stream.columns - 1))}`);
        open = true;
        return;
      }
      if (now() - shownMs < LOG_INTERVAL_MS && progress.phase === phase) return;
      // Phases that change with every number are one phase to a log.
      if (now() - shownMs < LOG_INTERVAL_MS / 5) return;
      shownMs = now();
      phase = progress.phase;
      stream.write(`${text}\n`);
    },
    end() {
      if (open) stream.write('\n');
      open = false;
    },
  };
}
