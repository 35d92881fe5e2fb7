/** One line of progress on standard error, so that standard output is the table alone. */
const started = performance.now();

export function progress(text: string): void {
  process.stderr.write(`[${((performance.now() - started) / 1000).toFixed(0).padStart(4)} s] ${text}\n`);
}
