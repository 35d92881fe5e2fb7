/** Tick values of a logarithmic axis whose ends need not be powers of ten. */

/** 1-2-5 steps of each decade inside [min, max]; plain even steps where the range is too narrow for two of them. */
export function logTicks(min: number, max: number): number[] {
  const ticks: number[] = [];
  for (let exponent = Math.floor(Math.log10(min)); exponent <= Math.ceil(Math.log10(max)); exponent++) {
    for (const digit of [1, 2, 5]) {
      const tick = digit * 10 ** exponent;
      // Powers are rounded, so that 2e-3 prints as 0.002.
      if (tick >= min && tick <= max) ticks.push(Number(tick.toPrecision(3)));
    }
  }
  if (ticks.length >= 2) return ticks;
  const raw = (max - min) / 3;
  const magnitude = 10 ** Math.floor(Math.log10(raw));
  const step = magnitude * (raw / magnitude >= 5 ? 5 : raw / magnitude >= 2 ? 2 : 1);
  const even: number[] = [];
  for (let tick = Math.ceil(min / step) * step; tick <= max; tick += step) even.push(Number(tick.toPrecision(6)));
  return even;
}
