/**
 * WGSL of attention on fused rows. An invocation owns a few queries (forward, gradient of queries) or a few keys (gradient of keys and
 * values) in registers and walks over the other side, so that no probability is stored and no barrier is needed. Neighbouring invocations
 * take the same slots of different heads and the longest walks come first: causal work is uneven only in that order.
 */
import type { KernelTensor } from '../kernelSpec.ts';
import { countUniform, lineMain, lineWorkgroups, type WgslProgram } from '../runWgsl.ts';
import { type FusedSizes, rowWidth } from './attentionFused.cpu.ts';
import { chain, each, headLayout, type HeadLayout, range, storage, type Tile } from './tiles.ts';

/** Registers are what limits a tile: an invocation holds two (forward) to four (backward) heads for each of its queries or keys. */
export function forwardTile(K: number, T: number): Tile {
  return { queries: T === 1 || K > 128 ? 1 : K > 64 ? 2 : 4, keys: K > 128 ? 1 : 4 };
}

function gradTile(K: number): Tile {
  return K > 64 ? { queries: 1, keys: 1 } : { queries: 2, keys: 2 };
}

/** Where an invocation finds keys and values: WGSL expressions in elements. */
export interface KeyPlaces {
  keys: string;
  values: string;
  /** Element of slot 0 of the invocation's head group. */
  keyBase: string;
  valueBase: string;
  stride: string;
}

const inRows: KeyPlaces = {
  keys: 'qkv',
  values: 'qkv',
  keyBase: '(b * params.T) * params.width + (params.H + group) * params.parts',
  valueBase: '(b * params.T) * params.width + (params.H + params.G + group) * params.parts',
  stride: 'params.width',
};

export const sizeUniforms = (sizes: FusedSizes, count: number, pastLength: number): WgslProgram['uniforms'] => {
  const i32 = (name: string, value: number): WgslProgram['uniforms'][number] => ({ name, type: 'i32', value });
  const { parts } = headLayout(sizes.K);
  const width = (rowWidth(sizes) / sizes.K) * parts;
  const scale = 1 / Math.sqrt(sizes.K);
  return [countUniform(count), i32('B', sizes.B), i32('T', sizes.T), i32('H', sizes.H), i32('G', sizes.G), i32('parts', parts), i32('width', width), i32('past', pastLength), { name: 'scale', type: 'f32', value: scale }];
};

/** Unpacks the invocation's index into its tile of queries t0.. of head h in row b, late queries first. */
const queryTile = (tile: Tile, places: KeyPlaces): string => `
  let pairs = params.B * params.H;
  let pair = i32(i) % pairs;
  let tiles = (params.T + ${tile.queries - 1}) / ${tile.queries};
  let t0 = (tiles - 1 - i32(i) / pairs) * ${tile.queries};
  let h = pair % params.H;
  let b = pair / params.H;
  let group = (h * params.G) / params.H;
  let first = max(0, start[b]);
  let last = params.past + min(t0 + ${tile.queries - 1}, params.T - 1);
  let keyBase = ${places.keyBase};
  let valueBase = ${places.valueBase};
  ${each(tile.queries, (r) => `let row${r} = b * params.T + min(t0 + ${r}, params.T - 1); let x${r} = row${r} * params.width + h * params.parts; let o${r} = (row${r} * params.H + h) * params.parts;`)}`;

/** Only the tile's own queries are written: the last tile may reach past T. */
const guarded = (r: number, body: string): string => `if (t0 + ${r} < params.T) { ${body} }`;

const vectorOf = (n: number): string => (n === 1 ? 'f32' : `vec${n}f`);
const lane = (name: string, n: number, c: number): string => (n === 1 ? name : `${name}.${'xyzw'[c]}`);
const combine = (name: string, n: number, how: (a: string, b: string) => string): string => range(n).map((c) => lane(name, n, c)).reduce(how);

/** Online softmax over the slots, then the output; `saved` writes logSumExp too. */
export function forwardCode(layout: HeadLayout, tile: Tile, places: KeyPlaces, saved: boolean): string {
  const { parts, zero, total, splat } = layout;
  const { queries: Q, keys: C } = tile;
  const slots = C === 1 ? 's' : `(vec${C}i(s) + vec${C}i(${range(C).join(', ')}))`;
  const limit = (r: number): string => (C === 1 ? `params.past + t0 + ${r}` : `vec${C}i(params.past + t0 + ${r})`);
  const vector = vectorOf(C);
  return `${lineMain}${queryTile(tile, places)}
  ${each(Q, (r) => `${each(parts, (j) => `let q${r}_${j} = qkv[x${r} + ${j}] * params.scale; var a${r}_${j} = ${zero};`)}\n    var top${r} = -1.0e30; var sum${r} = 0.0;`)}
  for (var s = first; s <= last; s += ${C}) {
    ${each(C, (c) => `let slot${c} = min(s + ${c}, last) * ${places.stride}; let k${c} = keyBase + slot${c}; let v${c} = valueBase + slot${c};`)}
    ${each(Q, (r) => each(C, (c) => `var d${r}_${c} = ${zero};`))}
    ${each(C, (c) => each(parts, (j) => `{ let key = ${places.keys}[k${c} + ${j}]; ${range(Q).map((r) => `d${r}_${c} = fma(q${r}_${j}, key, d${r}_${c});`).join(' ')} }`))}
    ${each(Q, (r) => `let seen${r} = ${slots} <= ${limit(r)};
    let z${r} = select(${vector}(-1.0e30), ${vector}(${range(C).map((c) => total(`d${r}_${c}`)).join(', ')}), seen${r});
    let m${r} = max(top${r}, ${combine(`z${r}`, C, (a, b) => `max(${a}, ${b})`)});
    let fade${r} = exp(top${r} - m${r});
    let p${r} = select(${vector}(0.0), exp(z${r} - m${r}), seen${r});
    top${r} = m${r};
    sum${r} = fma(sum${r}, fade${r}, ${combine(`p${r}`, C, (a, b) => `${a} + ${b}`)});`)}
    ${each(parts, (j) => `{ ${range(C).map((c) => `let u${c} = ${places.values}[v${c} + ${j}];`).join(' ')} ${range(Q).map((r) => `a${r}_${j} = ${chain(range(C).map((c) => [splat(lane(`p${r}`, C, c)), `u${c}`]), `a${r}_${j} * fade${r}`)};`).join(' ')} }`)}
  }
  ${each(Q, (r) => {
    const logSum = saved ? ` logSumExp[(b * params.H + h) * params.T + t0 + ${r}] = select(0.0, top${r} + log(max(sum${r}, 1.0e-30)), some);` : '';
    return guarded(r, `let some = sum${r} > 0.0; let inverse = select(0.0, 1.0 / max(sum${r}, 1.0e-30), some); ${range(parts).map((j) => `out[o${r} + ${j}] = a${r}_${j} * inverse;`).join(' ')}${logSum}`);
  })}
}`;
}

/** Gradient of the queries, and Σ gradOut · out of each for the other program. */
function gradQueryCode(layout: HeadLayout, tile: Tile): string {
  const { parts, zero, total, splat } = layout;
  const { queries: Q, keys: C } = tile;
  return `${lineMain}${queryTile(tile, inRows)}
  ${each(Q, (r) => `${each(parts, (j) => `let q${r}_${j} = qkv[x${r} + ${j}]; let g${r}_${j} = gradOut[o${r} + ${j}]; var a${r}_${j} = ${zero};`)}
    var mean${r}v = ${zero}; ${range(parts).map((j) => `mean${r}v = fma(g${r}_${j}, o[o${r} + ${j}], mean${r}v);`).join(' ')}
    let mean${r} = ${total(`mean${r}v`)}; let at${r} = (b * params.H + h) * params.T + t0 + ${r}; let lse${r} = logSumExp[min(at${r}, i32(params.B * params.H * params.T) - 1)];`)}
  for (var s = first; s <= last; s += ${C}) {
    ${each(C, (c) => `let slot${c} = min(s + ${c}, last) * params.width; let k${c} = keyBase + slot${c}; let v${c} = valueBase + slot${c};`)}
    ${each(C, (c) => `${range(Q).map((r) => `var d${r}_${c} = ${zero}; var e${r}_${c} = ${zero};`).join(' ')}
    ${each(parts, (j) => `let k${c}_${j} = qkv[k${c} + ${j}]; let v${c}_${j} = qkv[v${c} + ${j}]; ${range(Q).map((r) => `d${r}_${c} = fma(q${r}_${j}, k${c}_${j}, d${r}_${c}); e${r}_${c} = fma(g${r}_${j}, v${c}_${j}, e${r}_${c});`).join(' ')}`)}
    ${each(Q, (r) => `let w${r}_${c} = select(0.0, exp(fma(${total(`d${r}_${c}`)}, params.scale, -lse${r})) * (${total(`e${r}_${c}`)} - mean${r}) * params.scale, s + ${c} <= t0 + ${r});`)}`)}
    ${each(parts, (j) => range(Q).map((r) => `a${r}_${j} = ${chain(range(C).map((c) => [splat(`w${r}_${c}`), `k${c}_${j}`]), `a${r}_${j}`)};`).join(' '))}
  }
  ${each(Q, (r) => guarded(r, `means[at${r}] = mean${r}; ${range(parts).map((j) => `gradQkv[x${r} + ${j}] = a${r}_${j};`).join(' ')}`))}
}`;
}

/** Gradients of keys and values. */
function gradKeyCode(layout: HeadLayout, tile: Tile): string {
  const { parts, zero, total, splat } = layout;
  const { queries: Q, keys: C } = tile;
  return `${lineMain}
  let pairs = params.B * params.G;
  let pair = i32(i) % pairs;
  let s0 = (i32(i) / pairs) * ${C};
  let group = pair % params.G;
  let b = pair / params.G;
  let first = max(0, start[b]);
  let share = params.H / params.G;
  ${each(C, (c) => `let k${c} = (b * params.T + min(s0 + ${c}, params.T - 1)) * params.width + (params.H + group) * params.parts; let v${c} = k${c} + params.G * params.parts;
    ${each(parts, (j) => `let k${c}_${j} = qkv[k${c} + ${j}]; let v${c}_${j} = qkv[v${c} + ${j}]; var x${c}_${j} = ${zero}; var y${c}_${j} = ${zero};`)}`)}
  for (var h = group * share; h < (group + 1) * share; h++) {
    for (var t = max(s0, first); t < params.T; t += ${Q}) {
    ${each(Q, (r) => `let t${r} = min(t + ${r}, params.T - 1); let row${r} = b * params.T + t${r}; let q${r} = row${r} * params.width + h * params.parts; let o${r} = (row${r} * params.H + h) * params.parts;
    let at${r} = (b * params.H + h) * params.T + t${r}; let lse${r} = logSumExp[at${r}]; let mean${r} = means[at${r}];
    ${range(C).map((c) => `var d${r}_${c} = ${zero}; var e${r}_${c} = ${zero};`).join(' ')}
    ${each(parts, (j) => `let q${r}_${j} = qkv[q${r} + ${j}]; let g${r}_${j} = gradOut[o${r} + ${j}]; ${range(C).map((c) => `d${r}_${c} = fma(q${r}_${j}, k${c}_${j}, d${r}_${c}); e${r}_${c} = fma(g${r}_${j}, v${c}_${j}, e${r}_${c});`).join(' ')}`)}
    ${each(C, (c) => `let p${r}_${c} = select(0.0, exp(fma(${total(`d${r}_${c}`)}, params.scale, -lse${r})), t + ${r} < params.T && s0 + ${c} <= t${r} && s0 + ${c} >= first);
    let w${r}_${c} = p${r}_${c} * (${total(`e${r}_${c}`)} - mean${r}) * params.scale;`)}`)}
    ${each(C, (c) => each(parts, (j) => `x${c}_${j} = ${chain(range(Q).map((r) => [splat(`w${r}_${c}`), `q${r}_${j}`]), `x${c}_${j}`)}; y${c}_${j} = ${chain(range(Q).map((r) => [splat(`p${r}_${c}`), `g${r}_${j}`]), `y${c}_${j}`)};`))}
    }
  }
  ${each(C, (c) => `if (s0 + ${c} < params.T) { ${range(parts).map((j) => `gradQkv[k${c} + ${j}] = x${c}_${j}; gradQkv[v${c} + ${j}] = y${c}_${j};`).join(' ')} }`)}
}`;
}

const keyOf = (name: string, K: number, tile: Tile): string => `${name}_${K}_${tile.queries}_${tile.keys}`;

export function attentionFusedProgram(t: { qkv: KernelTensor; start: KernelTensor; out: KernelTensor; logSumExp: KernelTensor }, sizes: FusedSizes, tile = forwardTile(sizes.K, sizes.T)): WgslProgram {
  const layout = headLayout(sizes.K);
  const count = sizes.B * sizes.H * Math.ceil(sizes.T / tile.queries);
  return {
    key: keyOf('attentionFused', sizes.K, tile),
    bindings: [storage('qkv', t.qkv, layout.element), storage('start', t.start, 'i32'), storage('out', t.out, layout.element, 'read_write'), storage('logSumExp', t.logSumExp, 'f32', 'read_write')],
    uniforms: sizeUniforms(sizes, count, 0),
    code: () => forwardCode(layout, tile, inRows, true),
    workgroups: lineWorkgroups(count),
  };
}

export interface GradTensors {
  qkv: KernelTensor;
  start: KernelTensor;
  out: KernelTensor;
  logSumExp: KernelTensor;
  gradOut: KernelTensor;
  gradQkv: KernelTensor;
  /** [B, H, T] scratch: the first program writes it for the second. */
  means: KernelTensor;
}

export function attentionFusedGradPrograms(t: GradTensors, sizes: FusedSizes, queryTiles = gradTile(sizes.K), keyTiles = gradTile(sizes.K)): WgslProgram[] {
  const layout = headLayout(sizes.K);
  const { element } = layout;
  const { B, T, H, G, K } = sizes;
  const queryCount = B * H * Math.ceil(T / queryTiles.queries);
  const keyCount = B * G * Math.ceil(T / keyTiles.keys);
  return [
    {
      key: keyOf('attentionFusedGradQ', K, queryTiles),
      bindings: [
        storage('qkv', t.qkv, element),
        storage('start', t.start, 'i32'),
        storage('o', t.out, element),
        storage('logSumExp', t.logSumExp, 'f32'),
        storage('gradOut', t.gradOut, element),
        storage('gradQkv', t.gradQkv, element, 'read_write'),
        storage('means', t.means, 'f32', 'read_write'),
      ],
      uniforms: sizeUniforms(sizes, queryCount, 0),
      code: () => gradQueryCode(layout, queryTiles),
      workgroups: lineWorkgroups(queryCount),
    },
    {
      key: keyOf('attentionFusedGradKV', K, keyTiles),
      bindings: [
        storage('qkv', t.qkv, element),
        storage('start', t.start, 'i32'),
        storage('means', t.means, 'f32'),
        storage('logSumExp', t.logSumExp, 'f32'),
        storage('gradOut', t.gradOut, element),
        storage('gradQkv', t.gradQkv, element, 'read_write'),
      ],
      uniforms: sizeUniforms(sizes, keyCount, 0),
      code: () => gradKeyCode(layout, keyTiles),
      workgroups: lineWorkgroups(keyCount),
    },
  ];
}
