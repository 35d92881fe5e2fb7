// act(gate) · up of rows of gate and up side by side, as in gatedActivation.cpu.ts. Chunks share the rows. A ragged end of fewer than four
// values is computed as a whole vector, so that every value goes through the same arithmetic.
import { loadPart, storePart } from './elements';
import { sigmoid4 } from './exp';
import { gelu4, slope4 } from './gelu';
import { chunkStart, multiplyAdd } from './vector';

/** What the gate goes through. Numbers are those of gatedActivation.ts. */
const SILU: i32 = 0;
const GELU_EXACT: i32 = 2;

@inline
function gated(gate: v128, up: v128, kind: i32): v128 {
  if (kind == SILU) return f32x4.mul(f32x4.mul(gate, sigmoid4(gate)), up);
  return f32x4.mul(gelu4(gate, <i32>(kind == GELU_EXACT)), up);
}

/** d(gate·sigmoid(gate))/d gate */
@inline
function siluSlope(gate: v128, s: v128): v128 {
  const one = f32x4.splat(1);
  return f32x4.mul(s, multiplyAdd(gate, f32x4.sub(one, s), one));
}

/** The gradient of the gate: d is that of the product. */
@inline
function gateGrad(gate: v128, up: v128, d: v128, kind: i32): v128 {
  return f32x4.mul(f32x4.mul(d, up), kind == SILU ? siluSlope(gate, sigmoid4(gate)) : slope4(gate, <i32>(kind == GELU_EXACT)));
}

@inline
function upGrad(gate: v128, d: v128, kind: i32): v128 {
  if (kind == SILU) return f32x4.mul(f32x4.mul(d, gate), sigmoid4(gate));
  return f32x4.mul(d, gelu4(gate, <i32>(kind == GELU_EXACT)));
}

@inline
function gateRow(n: i32, kind: i32, gate: usize, up: usize, out: usize): void {
  const whole: usize = <usize>(n & ~3) * 4;
  for (let o: usize = 0; o < whole; o += 16) v128.store(out + o, gated(v128.load(gate + o), v128.load(up + o), kind));
}

/** The last n & 3 values of a row. */
function gateEnd(n: i32, kind: i32, gate: usize, up: usize, out: usize): void {
  const whole: usize = <usize>(n & ~3) * 4;
  const rest = n & 3;
  if (rest > 0) storePart(out + whole, gated(loadPart(gate + whole, rest), loadPart(up + whole, rest), kind), rest);
}

@inline
function gateGradRow(n: i32, kind: i32, gate: usize, up: usize, gradOut: usize, gradGate: usize, gradUp: usize): void {
  const whole: usize = <usize>(n & ~3) * 4;
  for (let o: usize = 0; o < whole; o += 16) {
    const g = v128.load(gate + o);
    const d = v128.load(gradOut + o);
    v128.store(gradGate + o, gateGrad(g, v128.load(up + o), d, kind));
    v128.store(gradUp + o, upGrad(g, d, kind));
  }
}

function gateGradEnd(n: i32, kind: i32, gate: usize, up: usize, gradOut: usize, gradGate: usize, gradUp: usize): void {
  const whole: usize = <usize>(n & ~3) * 4;
  const rest = n & 3;
  if (rest == 0) return;
  const g = loadPart(gate + whole, rest);
  const d = loadPart(gradOut + whole, rest);
  storePart(gradGate + whole, gateGrad(g, loadPart(up + whole, rest), d, kind), rest);
  storePart(gradUp + whole, upGrad(g, d, kind), rest);
}

/** gateUp [R, 2F], out [R, F]. */
export function gatedActivation(chunk: i32, chunks: i32, R: i32, F: i32, kind: i32, gateUp: usize, out: usize): void {
  const width: usize = <usize>F * 4;
  const last = chunkStart(R, chunk + 1, chunks);
  for (let r = chunkStart(R, chunk, chunks); r < last; r++) {
    const gate = gateUp + <usize>r * 2 * width;
    const to = out + <usize>r * width;
    // One loop a kind: the compiler sees which.
    if (kind == SILU) gateRow(F, SILU, gate, gate + width, to);
    else if (kind == GELU_EXACT) gateRow(F, GELU_EXACT, gate, gate + width, to);
    else gateRow(F, 1, gate, gate + width, to);
    gateEnd(F, kind, gate, gate + width, to);
  }
}

/** gradGateUp [R, 2F] is overwritten. */
export function gatedActivationGrad(chunk: i32, chunks: i32, R: i32, F: i32, kind: i32, gateUp: usize, gradOut: usize, gradGateUp: usize): void {
  const width: usize = <usize>F * 4;
  const last = chunkStart(R, chunk + 1, chunks);
  for (let r = chunkStart(R, chunk, chunks); r < last; r++) {
    const gate = gateUp + <usize>r * 2 * width;
    const from = gradOut + <usize>r * width;
    const to = gradGateUp + <usize>r * 2 * width;
    if (kind == SILU) gateGradRow(F, SILU, gate, gate + width, from, to, to + width);
    else if (kind == GELU_EXACT) gateGradRow(F, GELU_EXACT, gate, gate + width, from, to, to + width);
    else gateGradRow(F, 1, gate, gate + width, from, to, to + width);
    gateGradEnd(F, kind, gate, gate + width, from, to, to + width);
  }
}
