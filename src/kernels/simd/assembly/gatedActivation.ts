// act(gate) · up of rows of gate and up side by side, as in gatedActivation.cpu.ts. Chunks share the rows. A ragged end of fewer than four
// values is computed as a whole vector, so that every value goes through the same arithmetic. One loop an activation: a choice within it
// doubles the time.
import { loadPart, storePart } from './elements';
import { sigmoid4 } from './exp';
import { bell4, exactShare4, exactSlope4, tanhShare4, tanhSlope4 } from './gelu';
import { chunkStart, multiplyAdd } from './vector';

/** What the gate goes through. Numbers are those of gatedActivation.ts. */
const SILU: i32 = 0;
const GELU_TANH: i32 = 1;

/** The product where the share of the gate that passes is known. */
@inline
function gated(gate: v128, share: v128, up: v128): v128 {
  return f32x4.mul(f32x4.mul(gate, share), up);
}

function siluRow(n: i32, gate: usize, up: usize, out: usize): void {
  const end: usize = <usize>(n & ~3) * 4;
  for (let o: usize = 0; o < end; o += 16) {
    const g = v128.load(gate + o);
    v128.store(out + o, gated(g, sigmoid4(g), v128.load(up + o)));
  }
}

function tanhRow(n: i32, gate: usize, up: usize, out: usize): void {
  const end: usize = <usize>(n & ~3) * 4;
  for (let o: usize = 0; o < end; o += 16) {
    const g = v128.load(gate + o);
    v128.store(out + o, gated(g, tanhShare4(g), v128.load(up + o)));
  }
}

function exactRow(n: i32, gate: usize, up: usize, out: usize): void {
  const end: usize = <usize>(n & ~3) * 4;
  for (let o: usize = 0; o < end; o += 16) {
    const g = v128.load(gate + o);
    v128.store(out + o, gated(g, exactShare4(g, bell4(g)), v128.load(up + o)));
  }
}

/** The last n & 3 values of a row. */
function rowEnd(n: i32, kind: i32, gate: usize, up: usize, out: usize): void {
  const whole: usize = <usize>(n & ~3) * 4;
  const rest = n & 3;
  if (rest == 0) return;
  const g = loadPart(gate + whole, rest);
  const u = loadPart(up + whole, rest);
  if (kind == SILU) storePart(out + whole, gated(g, sigmoid4(g), u), rest);
  else if (kind == GELU_TANH) storePart(out + whole, gated(g, tanhShare4(g), u), rest);
  else storePart(out + whole, gated(g, exactShare4(g, bell4(g)), u), rest);
}

/** gateUp [R, 2F], out [R, F]. */
export function gatedActivation(chunk: i32, chunks: i32, R: i32, F: i32, kind: i32, gateUp: usize, out: usize): void {
  const width: usize = <usize>F * 4;
  const last = chunkStart(R, chunk + 1, chunks);
  for (let r = chunkStart(R, chunk, chunks); r < last; r++) {
    const gate = gateUp + <usize>r * 2 * width;
    const to = out + <usize>r * width;
    if (kind == SILU) siluRow(F, gate, gate + width, to);
    else if (kind == GELU_TANH) tanhRow(F, gate, gate + width, to);
    else exactRow(F, gate, gate + width, to);
    rowEnd(F, kind, gate, gate + width, to);
  }
}

/** d(gate·sigmoid(gate))/d gate */
@inline
function siluSlope(gate: v128, s: v128): v128 {
  const one = f32x4.splat(1);
  return f32x4.mul(s, multiplyAdd(gate, f32x4.sub(one, s), one));
}

/** Gradients of gate and up; d is that of the product. */
@inline
function gateGrad(d: v128, up: v128, slope: v128): v128 {
  return f32x4.mul(f32x4.mul(d, up), slope);
}

@inline
function upGrad(d: v128, gate: v128, share: v128): v128 {
  return f32x4.mul(f32x4.mul(d, gate), share);
}

function siluGradRow(n: i32, gate: usize, up: usize, gradOut: usize, gradGate: usize, gradUp: usize): void {
  const end: usize = <usize>(n & ~3) * 4;
  for (let o: usize = 0; o < end; o += 16) {
    const g = v128.load(gate + o);
    const d = v128.load(gradOut + o);
    const s = sigmoid4(g);
    v128.store(gradGate + o, gateGrad(d, v128.load(up + o), siluSlope(g, s)));
    v128.store(gradUp + o, upGrad(d, g, s));
  }
}

function tanhGradRow(n: i32, gate: usize, up: usize, gradOut: usize, gradGate: usize, gradUp: usize): void {
  const end: usize = <usize>(n & ~3) * 4;
  for (let o: usize = 0; o < end; o += 16) {
    const g = v128.load(gate + o);
    const d = v128.load(gradOut + o);
    const s = tanhShare4(g);
    v128.store(gradGate + o, gateGrad(d, v128.load(up + o), tanhSlope4(g, s)));
    v128.store(gradUp + o, upGrad(d, g, s));
  }
}

function exactGradRow(n: i32, gate: usize, up: usize, gradOut: usize, gradGate: usize, gradUp: usize): void {
  const end: usize = <usize>(n & ~3) * 4;
  for (let o: usize = 0; o < end; o += 16) {
    const g = v128.load(gate + o);
    const d = v128.load(gradOut + o);
    const bell = bell4(g);
    const s = exactShare4(g, bell);
    v128.store(gradGate + o, gateGrad(d, v128.load(up + o), exactSlope4(g, bell, s)));
    v128.store(gradUp + o, upGrad(d, g, s));
  }
}

function gradRowEnd(n: i32, kind: i32, gate: usize, up: usize, gradOut: usize, gradGate: usize, gradUp: usize): void {
  const whole: usize = <usize>(n & ~3) * 4;
  const rest = n & 3;
  if (rest == 0) return;
  const g = loadPart(gate + whole, rest);
  const d = loadPart(gradOut + whole, rest);
  let share = f32x4.splat(0);
  let slope = f32x4.splat(0);
  if (kind == SILU) {
    share = sigmoid4(g);
    slope = siluSlope(g, share);
  } else if (kind == GELU_TANH) {
    share = tanhShare4(g);
    slope = tanhSlope4(g, share);
  } else {
    const bell = bell4(g);
    share = exactShare4(g, bell);
    slope = exactSlope4(g, bell, share);
  }
  storePart(gradGate + whole, gateGrad(d, loadPart(up + whole, rest), slope), rest);
  storePart(gradUp + whole, upGrad(d, g, share), rest);
}

/** gradGateUp [R, 2F] is overwritten. */
export function gatedActivationGrad(chunk: i32, chunks: i32, R: i32, F: i32, kind: i32, gateUp: usize, gradOut: usize, gradGateUp: usize): void {
  const width: usize = <usize>F * 4;
  const last = chunkStart(R, chunk + 1, chunks);
  for (let r = chunkStart(R, chunk, chunks); r < last; r++) {
    const gate = gateUp + <usize>r * 2 * width;
    const from = gradOut + <usize>r * width;
    const to = gradGateUp + <usize>r * 2 * width;
    if (kind == SILU) siluGradRow(F, gate, gate + width, from, to, to + width);
    else if (kind == GELU_TANH) tanhGradRow(F, gate, gate + width, from, to, to + width);
    else exactGradRow(F, gate, gate + width, from, to, to + width);
    gradRowEnd(F, kind, gate, gate + width, from, to, to + width);
  }
}
