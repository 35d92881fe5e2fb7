/** How numbers are written for people. Not for files: those keep full precision. */

/** 95 s -> "1 min 35 s"; under ten seconds one decimal, under a tenth of a second whole milliseconds. */
export function formatDuration(ms: number): string {
  if (!Number.isFinite(ms) || ms < 0) return '–';
  if (ms > 0 && ms < 99.5) return `${Math.max(1, Math.round(ms))} ms`;
  const seconds = ms / 1000;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${whole % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Binary sizes in decimal units, as file managers show them: 3 890 000 -> "3.9 MB". */
export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  const units = ['kB', 'MB', 'GB', 'TB'];
  let value = bytes / 1000;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

/** "112 of 269 MB"; both units where they differ: "512 kB of 2.1 MB". */
export function formatBytesOf(done: number, total: number): string {
  const [amount, unit] = formatBytes(done).split(' ');
  const whole = formatBytes(total);
  return `${whole.endsWith(` ${unit}`) ? amount : `${amount} ${unit}`} of ${whole}`;
}

/** 1234567 -> "1.23 M". */
export function formatCount(count: number): string {
  if (count < 10_000) return count.toLocaleString('en-GB');
  if (count < 1e6) return `${(count / 1e3).toFixed(1)} k`;
  if (count < 1e9) return `${(count / 1e6).toFixed(2)} M`;
  return `${(count / 1e9).toFixed(2)} B`;
}

/** 0.123 -> "12 %"; one decimal under 10 % and over 90 % unless whole, where a point matters. */
export function formatPercent(share: number): string {
  const percent = share * 100;
  const edge = percent < 10 || percent > 90;
  return `${edge && Math.abs(percent - Math.round(percent)) > 0.05 ? percent.toFixed(1) : Math.round(percent)} %`;
}

/** "1 prompt", "3 prompts". */
export function formatPlural(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en-GB')} ${count === 1 ? one : many}`;
}
