/** The line of an error that says what happened; transforms put a file name and a blank line before it. */
export function reasonOf(error: unknown): string {
  const lines = (error instanceof Error ? error.message : String(error)).trim().split('\n');
  return (lines.find((line) => /error/i.test(line)) ?? lines[0]!).trim();
}
