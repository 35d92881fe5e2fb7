// Few rows against weights of 16 bits, decoded on the way. Strides and absent operands as in matMul.ts.
import { areNormal, BF16, F16, firstFour, lastFour, loadFour, loadOne, lowers, uppers } from './packed';
import { multiplyAdd, sumLanes4 } from './vector';

/** C row [32] = one row of A, every fourth value of a panel, · rows of B, packed, 32 wide and bStep bytes apart, + bias + addend. */
@inline
function onePackedRowOf(storage: i32, depth: i32, a: usize, b: usize, bStep: usize, c: usize, bias: usize, addend: usize): void {
  let c0 = f32x4.splat(0);
  let c1 = f32x4.splat(0);
  let c2 = f32x4.splat(0);
  let c3 = f32x4.splat(0);
  let c4 = f32x4.splat(0);
  let c5 = f32x4.splat(0);
  let c6 = f32x4.splat(0);
  let c7 = f32x4.splat(0);
  let k = depth;
  do {
    const x = v128.load_splat<f32>(a);
    const h0 = v128.load(b);
    const h1 = v128.load(b, 16);
    const h2 = v128.load(b, 32);
    const h3 = v128.load(b, 48);
    if (areNormal(storage, h0, h1, h2, h3)) {
      const l0 = lowers(storage, h0);
      const u0 = uppers(storage, h0);
      c0 = multiplyAdd(x, firstFour(l0, u0), c0);
      c1 = multiplyAdd(x, lastFour(l0, u0), c1);
      const l1 = lowers(storage, h1);
      const u1 = uppers(storage, h1);
      c2 = multiplyAdd(x, firstFour(l1, u1), c2);
      c3 = multiplyAdd(x, lastFour(l1, u1), c3);
      const l2 = lowers(storage, h2);
      const u2 = uppers(storage, h2);
      c4 = multiplyAdd(x, firstFour(l2, u2), c4);
      c5 = multiplyAdd(x, lastFour(l2, u2), c5);
      const l3 = lowers(storage, h3);
      const u3 = uppers(storage, h3);
      c6 = multiplyAdd(x, firstFour(l3, u3), c6);
      c7 = multiplyAdd(x, lastFour(l3, u3), c7);
    } else {
      c0 = multiplyAdd(x, loadFour(storage, b), c0);
      c1 = multiplyAdd(x, loadFour(storage, b + 8), c1);
      c2 = multiplyAdd(x, loadFour(storage, b + 16), c2);
      c3 = multiplyAdd(x, loadFour(storage, b + 24), c3);
      c4 = multiplyAdd(x, loadFour(storage, b + 32), c4);
      c5 = multiplyAdd(x, loadFour(storage, b + 40), c5);
      c6 = multiplyAdd(x, loadFour(storage, b + 48), c6);
      c7 = multiplyAdd(x, loadFour(storage, b + 56), c7);
    }
    a += 16;
    b += bStep;
  } while (--k > 0);
  if (bias) {
    c0 = f32x4.add(c0, v128.load(bias));
    c1 = f32x4.add(c1, v128.load(bias, 16));
    c2 = f32x4.add(c2, v128.load(bias, 32));
    c3 = f32x4.add(c3, v128.load(bias, 48));
    c4 = f32x4.add(c4, v128.load(bias, 64));
    c5 = f32x4.add(c5, v128.load(bias, 80));
    c6 = f32x4.add(c6, v128.load(bias, 96));
    c7 = f32x4.add(c7, v128.load(bias, 112));
  }
  if (addend) {
    c0 = f32x4.add(c0, v128.load(addend));
    c1 = f32x4.add(c1, v128.load(addend, 16));
    c2 = f32x4.add(c2, v128.load(addend, 32));
    c3 = f32x4.add(c3, v128.load(addend, 48));
    c4 = f32x4.add(c4, v128.load(addend, 64));
    c5 = f32x4.add(c5, v128.load(addend, 80));
    c6 = f32x4.add(c6, v128.load(addend, 96));
    c7 = f32x4.add(c7, v128.load(addend, 112));
  }
  v128.store(c, c0);
  v128.store(c, c1, 16);
  v128.store(c, c2, 32);
  v128.store(c, c3, 48);
  v128.store(c, c4, 64);
  v128.store(c, c5, 80);
  v128.store(c, c6, 96);
  v128.store(c, c7, 112);
}

/** Chosen once, not in the loop. */
export function onePackedRow(storage: i32, depth: i32, a: usize, b: usize, bStep: usize, c: usize, bias: usize, addend: usize): void {
  if (storage == F16) onePackedRowOf(F16, depth, a, b, bStep, c, bias, addend);
  else onePackedRowOf(BF16, depth, a, b, bStep, c, bias, addend);
}

/**
 * Dot products of one row with four packed rows. Meanwhile reads a byte of every cache line of as many bytes from
 * `ahead` on, the next four rows, so that they come while these are decoded. With step 0 all four are one row, and `ahead` has one.
 */
@inline
function packedDotsOf(storage: i32, a: usize, b0: usize, step: usize, K: i32, ahead: usize, scratch: usize): v128 {
  let seen = i32x4.splat(0);
  const aheadBytes: usize = step == 0 ? 16 : 64;
  const b1 = b0 + step;
  const b2 = b1 + step;
  const b3 = b2 + step;
  let s0 = f32x4.splat(0);
  let s1 = f32x4.splat(0);
  let s2 = f32x4.splat(0);
  let s3 = f32x4.splat(0);
  let k = 0;
  for (; k + 8 <= K; k += 8) {
    const o: usize = <usize>k * 2;
    const x = v128.load(a + 2 * o);
    const y = v128.load(a + 2 * o, 16);
    const h0 = v128.load(b0 + o);
    const h1 = v128.load(b1 + o);
    const h2 = v128.load(b2 + o);
    const h3 = v128.load(b3 + o);
    seen = v128.or(seen, v128.load(ahead));
    ahead += aheadBytes;
    if (areNormal(storage, h0, h1, h2, h3)) {
      const l0 = lowers(storage, h0);
      const u0 = uppers(storage, h0);
      s0 = multiplyAdd(y, lastFour(l0, u0), multiplyAdd(x, firstFour(l0, u0), s0));
      const l1 = lowers(storage, h1);
      const u1 = uppers(storage, h1);
      s1 = multiplyAdd(y, lastFour(l1, u1), multiplyAdd(x, firstFour(l1, u1), s1));
      const l2 = lowers(storage, h2);
      const u2 = uppers(storage, h2);
      s2 = multiplyAdd(y, lastFour(l2, u2), multiplyAdd(x, firstFour(l2, u2), s2));
      const l3 = lowers(storage, h3);
      const u3 = uppers(storage, h3);
      s3 = multiplyAdd(y, lastFour(l3, u3), multiplyAdd(x, firstFour(l3, u3), s3));
    } else {
      s0 = multiplyAdd(y, loadFour(storage, b0 + o + 8), multiplyAdd(x, loadFour(storage, b0 + o), s0));
      s1 = multiplyAdd(y, loadFour(storage, b1 + o + 8), multiplyAdd(x, loadFour(storage, b1 + o), s1));
      s2 = multiplyAdd(y, loadFour(storage, b2 + o + 8), multiplyAdd(x, loadFour(storage, b2 + o), s2));
      s3 = multiplyAdd(y, loadFour(storage, b3 + o + 8), multiplyAdd(x, loadFour(storage, b3 + o), s3));
    }
  }
  v128.store(scratch, seen);
  if (k + 4 <= K) {
    const o: usize = <usize>k * 2;
    const x = v128.load(a + 2 * o);
    s0 = multiplyAdd(x, loadFour(storage, b0 + o), s0);
    s1 = multiplyAdd(x, loadFour(storage, b1 + o), s1);
    s2 = multiplyAdd(x, loadFour(storage, b2 + o), s2);
    s3 = multiplyAdd(x, loadFour(storage, b3 + o), s3);
    k += 4;
  }
  let sums = sumLanes4(s0, s1, s2, s3);
  for (; k < K; k++) {
    const o: usize = <usize>k * 2;
    const rest = f32x4(loadOne(storage, b0 + o), loadOne(storage, b1 + o), loadOne(storage, b2 + o), loadOne(storage, b3 + o));
    sums = multiplyAdd(v128.load_splat<f32>(a + 2 * o), rest, sums);
  }
  return sums;
}

/** Chosen once, not in the loop. */
export function packedDots1x4(storage: i32, a: usize, b0: usize, step: usize, K: i32, ahead: usize, scratch: usize): v128 {
  return storage == F16 ? packedDotsOf(F16, a, b0, step, K, ahead, scratch) : packedDotsOf(BF16, a, b0, step, K, ahead, scratch);
}

/** Reads a byte of every cache line, so that they come at once: decoding has too many instructions a line to ask for the next ones in time. */
@inline
export function touch(from: usize, bytes: usize): v128 {
  let seen = i32x4.splat(0);
  for (let o: usize = 0; o + 16 <= bytes; o += 64) seen = v128.or(seen, v128.load(from + o));
  return seen;
}
