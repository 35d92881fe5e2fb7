/** WGSL of sampleTokens without top-k and top-p: one workgroup a row, its invocations own runs of neighbouring tokens. */

/** Without thresholds, four tokens at a time: a load costs a software adapter the same for one number as for four. */
export function wideCode(greedy: boolean, lanes: number): string {
  return `
var<workgroup> bests: array<f32, ${lanes}>;
var<workgroup> ids: array<u32, ${lanes}>;
var<workgroup> masses: array<f32, ${lanes}>;
var<workgroup> bads: array<u32, ${lanes}>;
var<workgroup> owner: u32;
var<workgroup> targetMass: f32;
// All logits are larger than this, but for −∞ and the smallest number there is.
const nothing = -3.4028234e38;

fn weightsOf(z: vec4f, top: f32) -> vec4f {
  let x = max((z - top) * params.inverseTemperature, vec4f(-100.0));
  return select(vec4f(0.0), exp(x), x > vec4f(-100.0));
}

@compute @workgroup_size(${lanes})
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) local: u32) {
  let row = workgroup.x;
  let size = params.V / 4u;
  let run = (size + ${lanes - 1}u) / ${lanes}u;
  let origin = row * size;
  let begin = origin + min(local * run, size);
  let end = origin + min((local + 1u) * run, size);
  var best4 = vec4f(nothing);
  var id4 = vec4u(0u);
  var bad4 = vec4<bool>(false);
  for (var i = begin; i < end; i++) {
    let z = logits[i];
    let bits = bitcast<vec4u>(z);
    // Bits, not comparisons: compilers may take NaN and infinity for impossible.
    bad4 = bad4 | ((bits & vec4u(0x7fffffffu)) > vec4u(0x7f800000u)) | (bits == vec4u(0x7f800000u));
    let better = z > best4;
    best4 = select(best4, z, better);
    id4 = select(id4, vec4u(i - origin), better);
  }
  var best = best4.x;
  var bestId = id4.x * 4u;
  ${['y', 'z', 'w'].map((c, i) => `if (best4.${c} > best || (best4.${c} == best && id4.${c} * 4u + ${i + 1}u < bestId)) { best = best4.${c}; bestId = id4.${c} * 4u + ${i + 1}u; }`).join('\n  ')}
  bests[local] = best;
  ids[local] = bestId;
  bads[local] = select(0u, 1u, any(bad4));
  workgroupBarrier();
  // Every invocation looks through all: cheaper than a barrier more.
  var bad = bads[0];
  best = bests[0];
  bestId = ids[0];
  for (var other = 1u; other < ${lanes}u; other++) {
    bad = bad | bads[other];
    if (bests[other] > best) { best = bests[other]; bestId = ids[other]; }
  }
  let broken = bad == 1u || best == nothing;
  ${greedy ? 'if (local == 0u) { tokens[row] = select(i32(bestId) + i32(uniforms[row] * 0.0 * params.inverseTemperature), -1, broken); }' : wideDraw(lanes)}
}`;
}

const wideDraw = (lanes: number): string => `
  var mass = 0.0;
  for (var i = begin; i < end; i++) { mass += dot(weightsOf(logits[i], best), vec4f(1.0)); }
  masses[local] = mass;
  workgroupBarrier();
  if (local == 0u) {
    var sum = 0.0;
    for (var other = 0u; other < ${lanes}u; other++) { sum += masses[other]; }
    var left = uniforms[row] * sum;
    for (var other = 0u; other < ${lanes}u; other++) {
      if (masses[other] <= 0.0) { continue; }
      owner = other;
      targetMass = left;
      if (left < masses[other]) { break; }
      left -= masses[other];
    }
    if (broken) { tokens[row] = -1; }
  }
  workgroupBarrier();
  if (local == owner && !broken) {
    var left = targetMass;
    var token = bestId;
    for (var i = begin; i < end; i++) {
      let w = weightsOf(logits[i], best);
      for (var c = 0u; c < 4u; c++) {
        if (w[c] <= 0.0) { continue; }
        if (left >= 0.0) { token = (i - origin) * 4u + c; }
        left -= w[c];
      }
      if (left < 0.0) { break; }
    }
    tokens[row] = i32(token);
  }`;
