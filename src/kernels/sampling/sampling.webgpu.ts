/**
 * WGSL of sampleTokens: one workgroup a row, its invocations own runs of neighbouring tokens, so that their order is the order of indices.
 * Thresholds are found digit by digit on the bits of the logits (8 at a time), without sorting; probability masses are summed as whole
 * numbers of 2⁻³², because sums of floats in no order would not be the same twice.
 */
import { deviceTraits } from '../deviceTraits.ts';
import type { KernelTensor } from '../kernelSpec.ts';
import type { WgslProgram } from '../runWgsl.ts';
import type { SamplingConfig } from './sampling.cpu.ts';
import { wideCode } from './wideSampling.webgpu.ts';

/**
 * Invocations a row. Software adapters run a workgroup of one subgroup without switching between its parts at barriers, which costs more than
 * the work: 32 rows of 2048 took 2.8 ms with 64.
 */
const lanesOf = (): number => (deviceTraits().adapterClass === 'software' ? 4 : 64);

const shared = (lanes: number): string => `
var<workgroup> keys: array<u32, ${lanes}>;
var<workgroup> ids: array<u32, ${lanes}>;
var<workgroup> masses: array<f32, ${lanes}>;
var<workgroup> counts: array<u32, ${lanes}>;
var<workgroup> high: array<atomic<u32>, 256>;
var<workgroup> low: array<atomic<u32>, 256>;
var<workgroup> chosen: array<u32, 4>;
var<workgroup> found: array<f32, 4>;

// Larger logits have larger keys.
fn keyOf(z: f32) -> u32 {
  let bits = bitcast<u32>(z);
  return select(bits | 0x80000000u, ~bits, (bits >> 31u) == 1u);
}

// −∞ has the smallest key that counts as a number.
const nothing = 0x007fffffu;

// Bits, not comparisons: compilers may take NaN and infinity for impossible.
fn isBad(z: f32) -> bool {
  let bits = bitcast<u32>(z);
  return (bits & 0x7fffffffu) > 0x7f800000u || bits == 0x7f800000u;
}

fn weightOf(z: f32, top: f32) -> f32 {
  let x = (z - top) * params.inverseTemperature;
  return select(0.0, exp(max(x, -100.0)), keyOf(z) > nothing && x > -100.0);
}
`;

/** Finds one digit after the other of the key at which a running total from above reaches what is wanted. */
const digits = (lanes: number, into: { add: string; wanted: string; reached: string }): string => `
  {
    var prefix = 0u;
    var mask = 0u;
    for (var shift = 24i; shift >= 0i; shift -= 8i) {
      for (var bin = local; bin < 256u; bin += ${lanes}u) { atomicStore(&high[bin], 0u); atomicStore(&low[bin], 0u); }
      workgroupBarrier();
      for (var i = begin; i < end; i++) {
        let z = logits[i];
        let key = keyOf(z);
        if (key < floorKey || (key & mask) != prefix) { continue; }
        let bin = (key >> u32(shift)) & 255u;
        ${into.add}
      }
      workgroupBarrier();
      if (local == 0u) {
        ${into.wanted}
        var bin = 255i;
        var lowest = 0u;
        for (; bin >= 0i; bin--) {
          let part = atomicLoad(&high[bin]);
          let fraction = atomicLoad(&low[bin]);
          if (part == 0u && fraction == 0u) { continue; }
          lowest = u32(bin);
          ${into.reached}
        }
        chosen[0] = prefix | (lowest << u32(shift));
      }
      workgroupBarrier();
      prefix = workgroupUniformLoad(&chosen)[0];
      mask = mask | (255u << u32(shift));
    }
    threshold = prefix;
  }`;

function codeOf(greedy: boolean, topK: boolean, topP: boolean, lanes: number): string {
  return `${shared(lanes)}
@compute @workgroup_size(${lanes})
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) local: u32) {
  let row = workgroup.x;
  let run = (params.V + ${lanes - 1}u) / ${lanes}u;
  let origin = row * params.V;
  let begin = origin + min(local * run, params.V);
  let end = origin + min((local + 1u) * run, params.V);
  var best = nothing;
  var bestId = 0u;
  var bad = 0u;
  for (var i = begin; i < end; i++) {
    let z = logits[i];
    if (isBad(z)) { bad = 1u; }
    let key = keyOf(z);
    if (key > best) { best = key; bestId = i - origin; }
  }
  keys[local] = best;
  ids[local] = bestId;
  counts[local] = bad;
  workgroupBarrier();
  if (local == 0u) {
    for (var other = 1u; other < ${lanes}u; other++) {
      bad = bad | counts[other];
      if (keys[other] > best) { best = keys[other]; bestId = ids[other]; }
    }
    chosen[1] = select(bestId, 0xffffffffu, bad == 1u || best == nothing);
  }
  workgroupBarrier();
  let first = workgroupUniformLoad(&chosen)[1];
  if (first == 0xffffffffu) { if (local == 0u) { tokens[row] = -1; } return; }
  ${greedy ? 'if (local == 0u) { tokens[row] = i32(first) + i32(uniforms[row] * 0.0 * params.inverseTemperature); }' : drawCode(topK, topP, lanes)}
}`;
}

const drawCode = (topK: boolean, topP: boolean, lanes: number): string => `
  let top = logits[origin + first];
  var floorKey = nothing + 1u;
  var threshold = 0u;
  ${
    topK
      ? `
  if (local == 0u) { counts[0] = params.topK; }
  ${digits(lanes, { add: 'atomicAdd(&high[bin], 1u);', wanted: 'var left = counts[0];', reached: 'if (part >= left) { counts[0] = left; break; } left -= part;' })}
  floorKey = max(floorKey, threshold);`
      : ''
  }
  var edge = floorKey;
  var edgeTies = 0xffffffffu;
  ${
    topP
      ? `
  // found[0]: what is wanted; found[1]: mass above the current bin.
  var total = 0.0;
  for (var i = begin; i < end; i++) { if (keyOf(logits[i]) >= floorKey) { total += weightOf(logits[i], top); } }
  masses[local] = total;
  workgroupBarrier();
  if (local == 0u) {
    var sum = 0.0;
    for (var other = 0u; other < ${lanes}u; other++) { sum += masses[other]; }
    found[0] = sum * params.topP;
    found[1] = 0.0;
  }
  workgroupBarrier();
  ${digits(lanes, {
    add: `let w = weightOf(z, top);
        let whole = floor(w);
        let fraction = u32((w - whole) * 4294967296.0);
        let before = atomicAdd(&low[bin], fraction);
        atomicAdd(&high[bin], u32(whole) + select(0u, 1u, before + fraction < before));`,
    wanted: 'var above = found[1];',
    reached: 'let mass = f32(part) + f32(fraction) / 4294967296.0; found[1] = above; if (above + mass >= found[0]) { break; } above += mass;',
  })}
  edge = threshold;
  if (local == 0u) {
    let bits = select(edge & 0x7fffffffu, ~edge, (edge >> 31u) == 0u);
    let w = max(weightOf(bitcast<f32>(bits), top), 1.0e-30);
    chosen[2] = u32(clamp(ceil((found[0] - found[1]) / w), 1.0, 4.0e9));
  }
  workgroupBarrier();
  edgeTies = workgroupUniformLoad(&chosen)[2];`
      : ''
  }
  var ties = 0u;
  for (var i = begin; i < end; i++) { if (keyOf(logits[i]) == edge) { ties++; } }
  counts[local] = ties;
  workgroupBarrier();
  var tiesBefore = 0u;
  for (var other = 0u; other < local; other++) { tiesBefore += counts[other]; }
  var seen = tiesBefore;
  var mass = 0.0;
  for (var i = begin; i < end; i++) {
    let key = keyOf(logits[i]);
    if (key < edge) { continue; }
    if (key == edge) { seen++; if (seen > edgeTies) { continue; } }
    mass += weightOf(logits[i], top);
  }
  masses[local] = mass;
  workgroupBarrier();
  if (local == 0u) {
    var sum = 0.0;
    for (var other = 0u; other < ${lanes}u; other++) { sum += masses[other]; }
    var target_ = uniforms[row] * sum;
    var owner = 0u;
    for (var other = 0u; other < ${lanes}u; other++) {
      if (masses[other] <= 0.0) { continue; }
      owner = other;
      found[2] = target_;
      if (target_ < masses[other]) { break; }
      target_ -= masses[other];
    }
    chosen[3] = owner;
  }
  workgroupBarrier();
  if (local == chosen[3]) {
    var left = found[2];
    var token = first;
    seen = tiesBefore;
    for (var i = begin; i < end; i++) {
      let key = keyOf(logits[i]);
      if (key < edge) { continue; }
      if (key == edge) { seen++; if (seen > edgeTies) { continue; } }
      let w = weightOf(logits[i], top);
      if (w <= 0.0) { continue; }
      token = i - origin;
      left -= w;
      if (left < 0.0) { break; }
    }
    tokens[row] = i32(token);
  }`;

export function sampleTokensProgram(t: { logits: KernelTensor; uniforms: KernelTensor; ids: KernelTensor }, config: SamplingConfig): WgslProgram {
  const [B, V] = t.logits.shape as [number, number];
  const greedy = config.temperature === 0;
  const topK = config.topK > 0 && config.topK < V;
  const topP = config.topP < 1;
  const lanes = lanesOf();
  const wide = V % 4 === 0 && (greedy || (!topK && !topP));
  return {
    key: `sampleTokens_${lanes}_${wide ? 'wide_' : ''}${greedy ? 'greedy' : `${topK}_${topP}`}`,
    bindings: [
      { name: 'logits', tensor: t.logits, element: wide ? 'vec4f' : 'f32', access: 'read' },
      { name: 'uniforms', tensor: t.uniforms, element: 'f32', access: 'read' },
      { name: 'tokens', tensor: t.ids, element: 'i32', access: 'read_write' },
    ],
    uniforms: [
      { name: 'V', type: 'u32', value: V },
      { name: 'topK', type: 'u32', value: config.topK },
      { name: 'topP', type: 'f32', value: config.topP },
      { name: 'inverseTemperature', type: 'f32', value: greedy ? 0 : 1 / config.temperature },
    ],
    code: () => (wide ? wideCode(greedy, lanes) : codeOf(greedy, topK, topP, lanes)),
    workgroups: [B, 1, 1],
  };
}
