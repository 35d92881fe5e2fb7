/** Compares number arrays the way numpy.testing.assert_allclose does. */
import type { Tolerance } from './tolerances.ts';

/**
 * Fails unless |actual − expected| ≤ atol + rtol·|expected| everywhere; NaN equals only NaN.
 * @throws Error naming the worst position, both values and the tolerance's reason
 */
export function assertAllClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: Tolerance, what = 'values'): void {
  if (actual.length !== expected.length) throw new Error(`${what}: ${actual.length} values, expected ${expected.length}.`);
  let worst = -1;
  let worstExcess = 0;
  let failures = 0;
  for (let i = 0; i < actual.length; i++) {
    const a = actual[i] as number;
    const e = expected[i] as number;
    if (Object.is(a, e) || a === e) continue;
    const allowed = tolerance.atol + tolerance.rtol * Math.abs(e);
    const difference = Math.abs(a - e);
    if (difference <= allowed) continue;
    failures++;
    const excess = Number.isFinite(difference) ? difference / allowed : Infinity;
    if (worst < 0 || excess > worstExcess) {
      worst = i;
      worstExcess = excess;
    }
  }
  if (failures > 0)
    throw new Error(
      `${what}: ${failures} of ${actual.length} differ (rtol ${tolerance.rtol}, atol ${tolerance.atol}: ${tolerance.reason}); worst at ${worst}: ${actual[worst]}, expected ${expected[worst]}.`,
    );
}
