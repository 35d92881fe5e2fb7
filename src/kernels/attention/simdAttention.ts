/** Calls of the SIMD attention kernels: sizes, scratch and how many chunks the work is worth. */
import type { HeapTensor, Simd } from '../simd/openSimd.ts';
import type { FusedSizes } from './attentionFused.cpu.ts';

const up8 = (n: number): number => Math.ceil(n / 8) * 8;

/** Floats of one chunk's scratch in the forward kernel: keys transposed, four rows of scores, three padded copies. */
const forwardFloats = ({ T, K }: FusedSizes): number => (up8(K) + 4) * (up8(T) + 8) + 3 * up8(T) * up8(K);

/** In the gradient: keys and values transposed, probabilities of 32 queries and their gradients, six padded copies. */
const gradFloats = ({ T, K }: FusedSizes): number => (2 * up8(K) + 64) * (up8(T) + 8) + 6 * up8(T) * up8(K);

/** Without a window every slot is within reach; small enough that slot + reach stays an i32. */
const reach = ({ window }: FusedSizes): number => window ?? 2 ** 30;

const numbers = (sizes: FusedSizes): number[] => [sizes.B, sizes.T, sizes.H, sizes.G, sizes.K, sizes.scale, reach(sizes)];

/** Scores that are looked at, half of all or a band; each costs 2K operations a product and an exp. */
const scores = ({ B, T, H, window }: FusedSizes): number => B * H * T * Math.min(T / 2, window ?? T);

export function simdAttention(simd: Simd, t: { qkv: HeapTensor; start: HeapTensor; out: HeapTensor; logSumExp: HeapTensor }, sizes: FusedSizes): void {
  const chunks = Math.min(simd.parallel(scores(sizes) * (4 * sizes.K + 10)), sizes.B * sizes.G);
  const scratchBytes = 4 * forwardFloats(sizes);
  simd.run('attentionFused', chunks, ...numbers(sizes), t.qkv.at, t.start.at, t.out.at, t.logSumExp.at, simd.scratch(chunks * scratchBytes), scratchBytes);
}

export function simdAttentionGrad(
  simd: Simd,
  t: { qkv: HeapTensor; start: HeapTensor; out: HeapTensor; logSumExp: HeapTensor; gradOut: HeapTensor; gradQkv: HeapTensor },
  sizes: FusedSizes,
): void {
  const chunks = Math.min(simd.parallel(scores(sizes) * (10 * sizes.K + 10)), sizes.B * sizes.G);
  const scratchBytes = 4 * gradFloats(sizes);
  simd.run('attentionFusedGrad', chunks, ...numbers(sizes), t.qkv.at, t.start.at, t.out.at, t.logSumExp.at, t.gradOut.at, t.gradQkv.at, simd.scratch(chunks * scratchBytes), scratchBytes);
}

export function simdCachedAttention(
  simd: Simd,
  t: { qkv: HeapTensor; keys: HeapTensor; values: HeapTensor; start: HeapTensor; out: HeapTensor },
  sizes: FusedSizes & { S: number; pastLength: number },
): void {
  const { B, T, H, G, K, S, pastLength } = sizes;
  const chunks = Math.min(simd.parallel(B * H * T * Math.min(pastLength + T, reach(sizes)) * (4 * K + 10)), B * H);
  const scratch = simd.scratch(chunks * (S + 4) * 4);
  simd.run('cachedAttention', chunks, B, T, S, H, G, K, pastLength, sizes.scale, reach(sizes), t.qkv.at, t.keys.at, t.values.at, t.start.at, t.out.at, scratch);
}
