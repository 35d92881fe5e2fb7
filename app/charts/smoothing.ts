/** Exponential smoothing of noisy per-step values. Never for rates: those are shown as measured, with their intervals. */

/**
 * Debiased exponential moving average: s_t = w·s_(t-1) + (1-w)·x_t from s_0 = 0, divided by 1 - w^t.
 * A constant series stays exactly constant; null and non-finite values are passed over and stay null.
 * Applied before any thinning, so that zooming never changes the line.
 * @param values any length, borrowed
 * @param weight 0 (no smoothing) to below 1
 */
export function smoothEma(values: readonly (number | null)[], weight: number): (number | null)[] {
  if (!(weight >= 0 && weight < 1)) throw new RangeError(`smoothing weight must be in [0, 1), got ${weight}`);
  let average = 0;
  let seen = 0;
  return values.map((value) => {
    if (value === null || !Number.isFinite(value)) return null;
    seen += 1;
    // The debiased average is the previous one moved by a share of the difference: exact for constants, unlike dividing two sums.
    const share = (1 - weight) / (1 - weight ** seen);
    average = seen === 1 ? value : average + share * (value - average);
    return average;
  });
}
