/** Sizes that break matrix kernels. */

/** M, N, K: ones, primes, one below and above the tiles, long inner axes, one row (decoding). */
export const productSizes = [
  [1, 1, 1],
  [1, 2048, 128],
  [3, 5, 7],
  [4, 8, 4],
  [5, 9, 513],
  [8, 8, 8],
  [63, 65, 64],
  [64, 64, 64],
  [65, 63, 257],
  [257, 33, 3],
  [7, 4097, 5],
  [513, 40, 12],
  [40, 33, 2051],
] as const;
