/**
 * WGSL of attention with large heads, and of decoding on hardware: a workgroup owns one query (or, in the gradient of keys and values, one
 * key) and walks over the rows of the other side in tiles. In each tile eight threads share the dot product of a row, then a thread a row
 * makes its weight, then each thread adds up its part of the head over the rows. So a thread holds an eighth of a head in registers where
 * the programs of attentionFused.webgpu.ts hold all of it, which is more than a GPU has for heads of 256; and one new token of a few heads
 * keeps more than a few threads busy.
 */
import { deviceTraits } from '../deviceTraits.ts';
import type { WgslProgram } from '../runWgsl.ts';
import type { FusedSizes } from './attentionFused.cpu.ts';
import { each, type HeadLayout, type KeyPlaces, range } from './tiles.ts';

/** Threads of a workgroup, and rows of a tile: a thread a row makes the weights. */
const threads = 64;
/** Threads that share a dot product. */
const lanes = 8;

/**
 * Whether these sizes are for the programs here. Barriers cost a software adapter more than they save (H 4, G 1, K 256, T 128: 143 ms forward
 * instead of 31), but for one token, where the other program compiles for 15 seconds and then takes 10 ms instead of 7.
 */
export function isWide({ K, T }: Pick<FusedSizes, 'K' | 'T'>): boolean {
  if (deviceTraits().adapterClass === 'software') return K >= 128 && T === 1;
  return K >= 128 || (K >= 64 && T === 1);
}

/** One workgroup for each of the `count` that the first uniform tells. */
export function wideProgram(name: string, { K, window }: FusedSizes, program: Pick<WgslProgram, 'bindings' | 'uniforms' | 'code'>): WgslProgram {
  const count = program.uniforms[0]!.value;
  const x = Math.min(count, 65535);
  return { key: `${name}_${K}${window === null ? '' : '_window'}`, ...program, workgroups: [x, x === 0 ? 0 : Math.ceil(count / x), 1] };
}

/** What a layout means for a workgroup. */
interface Shares {
  /** Elements of a head that one lane multiplies in a dot product. */
  factors: number;
  /** Elements that one thread adds up; threads with the same ones take every `splits`-th row. */
  owned: number;
  splits: number;
  /** Threads that are needed to own a head once. */
  owners: number;
}

function sharesOf({ parts }: HeadLayout): Shares {
  const owners = Math.min(parts, threads);
  return { factors: Math.ceil(parts / lanes), owned: Math.ceil(parts / threads), splits: Math.floor(threads / owners), owners };
}

const open = (layout: HeadLayout, shared: readonly string[]): string => {
  const { splits } = sharesOf(layout);
  return `
${shared.map((name) => `var<workgroup> ${name}: array<f32, ${name.endsWith('Dots') ? threads * lanes : threads}>;`).join('\n')}
${splits > 1 ? `var<workgroup> together: array<${layout.element}, ${threads}>;` : ''}
@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) grid: vec3u, @builtin(local_invocation_index) local: u32) {
  let index = workgroup.y * grid.x + workgroup.x;
  if (index >= params.count) { return; }
  let i = i32(index);
  let thread = i32(local);
  let lane = thread & ${lanes - 1};`;
};

/** Loads the lane's share of the head at `at` into `name`_0, `name`_1 ...; zeros past the head's end. */
const loadFactors = (layout: HeadLayout, name: string, buffer: string, at: string): string =>
  each(sharesOf(layout).factors, (m) => {
    const inside = (m + 1) * lanes <= layout.parts;
    const load = `${buffer}[${at} + ${inside ? `lane + ${m * lanes}` : `min(lane + ${m * lanes}, ${layout.parts - 1})`}]`;
    return `let ${name}_${m} = ${inside ? load : `select(${layout.zero}, ${load}, lane + ${m * lanes} < ${layout.parts})`};`;
  });

/** f32 expression: the lane's share of the dot product of `name` with the head at `at`. */
function shareOfDot(layout: HeadLayout, name: string, buffer: string, at: string): string {
  const terms = range(sharesOf(layout).factors).map((m) => {
    const j = (m + 1) * lanes <= layout.parts ? `lane + ${m * lanes}` : `min(lane + ${m * lanes}, ${layout.parts - 1})`;
    return `${name}_${m} * ${buffer}[${at} + ${j}]`;
  });
  return `dotTotal(${terms.join(' + ')})`;
}

const dotTotal = ({ element, total }: HeadLayout): string => `fn dotTotal(v: ${element}) -> f32 { return ${total('v')}; }`;

/** The tile's dot products: `body` sets the thread's share of row `s` in each of the arrays. What stands there for rows past `last` is not to be used. */
const dots = (body: string): string => `
    for (var turn = 0; turn < ${lanes}; turn++) {
      let s = tile + turn * ${threads / lanes} + thread / ${lanes};
      if (s <= last) { ${body} }
    }
    workgroupBarrier();`;

/** f32 expression: the whole dot product of the thread's own row. */
const ownDot = (array: string): string => `(${range(lanes).map((m) => `${array}[thread * ${lanes} + ${m}]`).join(' + ')})`;

/** Adds weight · row to the thread's own elements, for the rows of the tile; `terms` are [accumulator, weights, buffer, base of row s]. */
function addRows(layout: HeadLayout, terms: readonly (readonly [string, string, string, string])[]): string {
  const { owned, splits, owners } = sharesOf(layout);
  const add = range(owned).map((m) => {
    const body = terms.map(([name, weights, buffer, base]) => `${name}_${m} = fma(${layout.splat(`${weights}[r]`)}, ${buffer}[${base} + part + ${m * threads}], ${name}_${m});`).join(' ');
    return (m + 1) * threads <= layout.parts || owned === 1 ? body : `if (part + ${m * threads} < ${layout.parts}) { ${body} }`;
  });
  const loop = `for (var r = split; r < rows; r += ${splits}) { let s = tile + r; ${add.join(' ')} }`;
  return `
    let rows = min(${threads}, last - tile + 1);
    ${owners * splits === threads ? loop : `if (split < ${splits}) { ${loop} }`}`;
}

/** Declares the thread's elements. */
function declareOwn(layout: HeadLayout, names: readonly string[]): string {
  const { owned, owners } = sharesOf(layout);
  return `let part = thread % ${owners}; let split = thread / ${owners};
  ${names.map((name) => each(owned, (m) => `var ${name}_${m} = ${layout.zero};`)).join(' ')}`;
}

/** Writes the sums of all splits: `write(element expression, m-th own element)`. */
function writeOwn(layout: HeadLayout, name: string, write: (value: string, at: string) => string): string {
  const { owned, splits, owners } = sharesOf(layout);
  if (splits === 1)
    return range(owned)
      .map((m) => ((m + 1) * threads <= layout.parts ? write(`${name}_${m}`, `part + ${m * threads}`) : `if (part + ${m * threads} < ${layout.parts} && split == 0) { ${write(`${name}_${m}`, `part + ${m * threads}`)} }`))
      .join(' ');
  return `workgroupBarrier();
  together[thread] = ${name}_0;
  workgroupBarrier();
  if (thread < ${owners}) { ${write(range(splits).map((m) => `together[thread + ${m * owners}]`).join(' + '), 'part')} }`;
}

/** The workgroup's query t of head h in row b, the slots first .. last that it sees. Late queries, which see the most, come first. */
const ownQuery = (places: KeyPlaces, windowed: boolean): string => `
  let pairs = params.B * params.H;
  let t = params.T - 1 - i / pairs;
  let h = i % pairs % params.H;
  let b = i % pairs / params.H;
  let group = (h * params.G) / params.H;
  let last = params.past + t;
  let first = max(${windowed ? 'max(0, last - params.window + 1)' : '0'}, start[b]);
  let keyBase = ${places.keyBase};
  let valueBase = ${places.valueBase};
  let row = b * params.T + t;
  let query = row * params.width + h * params.parts;
  let mixed = (row * params.H + h) * params.parts;`;

/** Online softmax over the slots, then the output; `saved` writes logSumExp too. */
export function wideForwardCode(layout: HeadLayout, places: KeyPlaces, { saved, windowed }: { saved: boolean; windowed: boolean }): string {
  return `${dotTotal(layout)}
${open(layout, ['scoreDots', 'scores', 'tops', 'weights'])}${ownQuery(places, windowed)}
  ${loadFactors(layout, 'q', 'qkv', 'query')}
  ${declareOwn(layout, ['a'])}
  var top = -1.0e30;
  var sum = 0.0;
  for (var tile = first; tile <= last; tile += ${threads}) {${dots(`let k = keyBase + s * ${places.stride}; scoreDots[turn * ${threads} + thread] = ${shareOfDot(layout, 'q', places.keys, 'k')};`)}
    let seen = tile + thread <= last;
    let score = select(-1.0e30, ${ownDot('scoreDots')} * params.scale, seen);
    scores[thread] = score;
    workgroupBarrier();
    // Eight threads look for the largest of eight each, then everyone among theirs.
    if (thread < 8) { tops[thread] = ${range(8).map((m) => `scores[thread * 8 + ${m}]`).reduce((a, b) => `max(${a}, ${b})`)}; }
    workgroupBarrier();
    let highest = max(top, ${range(8).map((m) => `tops[${m}]`).reduce((a, b) => `max(${a}, ${b})`)});
    let fade = exp(top - highest);
    top = highest;
    let p = select(0.0, exp(score - top), seen);
    weights[thread] = p;
    sum = fma(sum, fade, p);
    workgroupBarrier();
    ${each(sharesOf(layout).owned, (m) => `a_${m} *= fade;`)}${addRows(layout, [['a', 'weights', places.values, `valueBase + s * ${places.stride}`]])}
  }
  // Each thread has summed its own rows.
  scores[thread] = sum;
  workgroupBarrier();
  if (thread < 8) { tops[thread] = ${range(8).map((m) => `scores[thread * 8 + ${m}]`).join(' + ')}; }
  workgroupBarrier();
  let total = ${range(8).map((m) => `tops[${m}]`).join(' + ')};
  let some = total > 0.0;
  let inverse = select(0.0, 1.0 / max(total, 1.0e-30), some);
  ${saved ? 'if (thread == 0) { logSumExp[(b * params.H + h) * params.T + t] = select(0.0, top + log(max(total, 1.0e-30)), some); }' : ''}
  ${writeOwn(layout, 'a', (value, at) => `out[mixed + ${at}] = (${value}) * inverse;`)}
}`;
}

/** Gradient of the queries, and Σ gradOut · out of each for the other program. */
export function wideGradQueryCode(layout: HeadLayout, places: KeyPlaces, windowed: boolean): string {
  return `${dotTotal(layout)}
${open(layout, ['scoreDots', 'gradDots', 'weights'])}${ownQuery(places, windowed)}
  ${loadFactors(layout, 'q', 'qkv', 'query')}
  ${loadFactors(layout, 'g', 'gradOut', 'mixed')}
  ${declareOwn(layout, ['a'])}
  scoreDots[thread] = ${shareOfDot(layout, 'g', 'o', 'mixed')};
  workgroupBarrier();
  let mean = ${range(lanes).map((m) => `scoreDots[${m}]`).join(' + ')};
  let at = (b * params.H + h) * params.T + t;
  let lse = logSumExp[at];
  workgroupBarrier();
  for (var tile = first; tile <= last; tile += ${threads}) {${dots(`let k = keyBase + s * ${places.stride}; let v = valueBase + s * ${places.stride};
        scoreDots[turn * ${threads} + thread] = ${shareOfDot(layout, 'q', places.keys, 'k')}; gradDots[turn * ${threads} + thread] = ${shareOfDot(layout, 'g', places.values, 'v')};`)}
    weights[thread] = select(0.0, exp(fma(${ownDot('scoreDots')}, params.scale, -lse)) * (${ownDot('gradDots')} - mean) * params.scale, tile + thread <= last);
    workgroupBarrier();${addRows(layout, [['a', 'weights', places.keys, `keyBase + s * ${places.stride}`]])}
  }
  if (thread == 0) { means[at] = mean; }
  ${writeOwn(layout, 'a', (value, part) => `gradQkv[query + ${part}] = ${value};`)}
}`;
}

/** Gradients of keys and values: the workgroup's key s0 of a group in row b walks over the queries t0 .. last that see it, head by head. */
export function wideGradKeyCode(layout: HeadLayout, windowed: boolean): string {
  return `${dotTotal(layout)}
${open(layout, ['scoreDots', 'gradDots', 'weights', 'probabilities'])}
  let pairs = params.B * params.G;
  let s0 = i / pairs;
  let group = i % pairs % params.G;
  let b = i % pairs / params.G;
  let share = params.H / params.G;
  // A key in the padding is seen by nobody.
  let last = select(-1, ${windowed ? 'min(params.T, s0 + params.window) - 1' : 'params.T - 1'}, s0 >= start[b]);
  let key = (b * params.T + s0) * params.width + (params.H + group) * params.parts;
  let value = key + params.G * params.parts;
  ${loadFactors(layout, 'k', 'qkv', 'key')}
  ${loadFactors(layout, 'v', 'qkv', 'value')}
  ${declareOwn(layout, ['x', 'y'])}
  for (var h = group * share; h < (group + 1) * share; h++) {
    let queryBase = (b * params.T) * params.width + h * params.parts;
    let mixedBase = ((b * params.T) * params.H + h) * params.parts;
    for (var tile = s0; tile <= last; tile += ${threads}) {${dots(`scoreDots[turn * ${threads} + thread] = ${shareOfDot(layout, 'k', 'qkv', '(queryBase + s * params.width)')};
        gradDots[turn * ${threads} + thread] = ${shareOfDot(layout, 'v', 'gradOut', '(mixedBase + s * params.H * params.parts)')};`)}
    let t = tile + thread;
    let at = (b * params.H + h) * params.T + min(t, params.T - 1);
    let p = select(0.0, exp(fma(${ownDot('scoreDots')}, params.scale, -logSumExp[at])), t <= last);
    probabilities[thread] = p;
    weights[thread] = select(0.0, p * (${ownDot('gradDots')} - means[at]) * params.scale, t <= last);
    workgroupBarrier();${addRows(layout, [['x', 'weights', 'qkv', '(queryBase + s * params.width)'], ['y', 'probabilities', 'gradOut', '(mixedBase + s * params.H * params.parts)']])}
    }
  }
  ${writeOwn(layout, 'x', (sum, part) => `gradQkv[key + ${part}] = ${sum};`)}
  ${writeOwn(layout, 'y', (sum, part) => `gradQkv[value + ${part}] = ${sum};`)}
}`;
}
