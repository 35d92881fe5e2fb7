/**
 * How likely each unsafe token is still to be reached: w_t = exp(min(clamp, sum over s < t of r_s)), the sum running
 * over the earlier tokens of the same row, r = log probability (or log ratio). In plain arithmetic, row by row.
 */
type FloatArray = Float32Array | Float64Array;

/**
 * @param logRatios  [N] r of each token, row after row, nats, borrowed
 * @param rowOffsets [R + 1] row i owns tokens rowOffsets[i] .. rowOffsets[i + 1] - 1, borrowed
 * @param clamp      sum above which the weight stops growing, nats
 * @param out        [N] weights, written; the first token of a row has weight exp(min(clamp, 0))
 */
export function prefixWeightsCpu<T extends FloatArray>(logRatios: T, rowOffsets: Int32Array, clamp: number, out: T): void {
  for (let row = 0; row + 1 < rowOffsets.length; row++) {
    let sum = 0;
    for (let t = rowOffsets[row]!; t < rowOffsets[row + 1]!; t++) {
      out[t] = Math.exp(Math.min(clamp, sum));
      sum += logRatios[t]!;
    }
  }
}

/**
 * Gradient of sum_t dw_t w_t with respect to r: dr_s = sum over t > s of dw_t w_t, without the t where the clamp holds.
 * @param out [N], written
 */
export function prefixWeightsGradCpu<T extends FloatArray>(dw: T, logRatios: T, rowOffsets: Int32Array, clamp: number, out: T): void {
  for (let row = 0; row + 1 < rowOffsets.length; row++) {
    const start = rowOffsets[row]!;
    const end = rowOffsets[row + 1]!;
    // out holds dw_t w_t first (0 where clamped), then its exclusive suffix sums.
    let sum = 0;
    for (let t = start; t < end; t++) {
      out[t] = sum > clamp ? 0 : dw[t]! * Math.exp(sum);
      sum += logRatios[t]!;
    }
    let suffix = 0;
    for (let t = end - 1; t >= start; t--) {
      const term = out[t]!;
      out[t] = suffix;
      suffix += term;
    }
  }
}
