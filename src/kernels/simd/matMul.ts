/** The SIMD matrix product as seen from JavaScript: which kernel for which sizes, cuts of the inner axis, scratch. */
import { EngineError } from '../../base/errors.ts';
import type { PackedStorage } from '../packed.ts';
import type { Simd } from './openSimd.ts';
import { bytesPerValue, storageNumber } from './packed.ts';

/** out [M, N] = op(a) · op(b) + bias + addend; addresses in the heap, all dense float32 but b, which may be packed. */
export interface SimdProduct {
  M: number;
  N: number;
  K: number;
  /** a is [K, M] instead of [M, K]. */
  transposeA: boolean;
  /** b is [N, K] instead of [K, N]. */
  transposeB: boolean;
  a: number;
  b: number;
  out: number;
  /** [N], added to every row. */
  bias?: number | undefined;
  /** [M, N], added to the result; may be `out` itself, which accumulates. */
  addend?: number | undefined;
  /** How b is stored; undefined for float32. */
  storageB?: PackedStorage | undefined;
}

/** At most this deep are panels: 512 · (4 + 8) · 4 bytes of one panel pair stay in the first-level cache. */
const maxDepth = 512;
/** As in assembly/matMul.ts: rows or columns that a chunk packs at once, and scratch for a tile at the edge. */
const blockSize = 256;
const tileBytes = 192;
/** Up to so many rows it is faster not to pack b (measured). */
const fewRows = 32;

const roundUp = (n: number, to: number): number => Math.ceil(n / to) * to;

/**
 * @throws EngineError bad-shape if K is 0, out-of-memory
 */
export function simdMatMul(simd: Simd, product: SimdProduct): void {
  const { M, N, K, transposeA, transposeB, a, b, out, bias = 0, addend = 0, storageB } = product;
  if (M === 0 || N === 0) return;
  if (K === 0) throw new EngineError('bad-shape', `matMul: [${M}, 0] times [0, ${N}] has nothing to sum.`);
  const [aRow, aColumn] = transposeA ? [4, M * 4] : [K * 4, 4];
  const storage = storageNumber(storageB);
  const bBytes = bytesPerValue(storageB);
  const [bRow, bColumn] = transposeB ? [bBytes, K * bBytes] : [N * bBytes, bBytes];
  const row = N * 4;
  const work = 2 * M * N * K;
  const chunks = simd.parallel(work);
  if (M <= fewRows && transposeB && !transposeA) {
    const chunkBytes = tileBytes + (storageB ? 16 * K : 0);
    simd.run('matMulRowsDeep', chunks, M, N, K, a, aRow, b, bColumn, storage, out, row, bias, addend, row, simd.scratch(chunks * chunkBytes), chunkBytes);
    return;
  }
  if (M <= fewRows && !transposeB) {
    const packedBytes = roundUp(M, 4) * K * 4;
    const chunkBytes = tileBytes + (storageB ? 32 * K : 0);
    const packed = simd.scratch(packedBytes + chunks * chunkBytes);
    simd.run('packPanels', 1, 4, 0, M, K, a, aRow, aColumn, packed);
    simd.run('matMulRowsWide', chunks, M, N, K, packed, b, bRow, storage, out, row, bias, addend, row, packed + packedBytes, chunkBytes);
    return;
  }
  // Chunks share the longer side; the panels of the other operand are packed once for all of them.
  const byRows = M >= N;
  const [sharedWidth, sharedCount, ownWidth, ownCount] = byRows ? [8, N, 4, M] : [4, M, 8, N];
  const depth = roundUp(Math.ceil(K / Math.ceil(K / maxDepth)), 4);
  const sharedBytes = roundUp(roundUp(sharedCount, sharedWidth) * depth * 4, 64);
  const chunkBytes = roundUp(tileBytes + Math.min(blockSize, roundUp(ownCount, ownWidth)) * depth * 4, 64);
  const shared = simd.scratch(sharedBytes + chunks * chunkBytes);
  for (let k = 0; k < K; k += depth) {
    const cut = Math.min(depth, K - k);
    const aCut = a + k * aColumn;
    const bCut = b + k * bRow;
    const packing = simd.parallel(4 * sharedCount * cut);
    if (byRows) simd.run('packPanels', packing, 8, storage, N, cut, bCut, bColumn, bRow, shared);
    else simd.run('packPanels', packing, 4, 0, M, cut, aCut, aRow, aColumn, shared);
    simd.parallel(work);
    const added: [number, number, number] = k === 0 ? [bias, addend, row] : [0, out, row];
    simd.run('matMulTiles', chunks, M, N, cut, Number(byRows), aCut, aRow, aColumn, bCut, bRow, bColumn, storage, shared, out, row, ...added, shared + sharedBytes, chunkBytes);
  }
}
