/**
 * WGSL of attention on fused rows; that of large heads stands in wideAttention.webgpu.ts. An invocation owns a few queries (forward, gradient of queries) or a few keys (gradient of keys and
 * values) in registers and walks over the other side, so that no probability is stored and no barrier is needed. Neighbouring invocations
 * take the same slots of different heads and the longest walks come first: causal work is uneven only in that order.
 */
import { deviceTraits } from '../deviceTraits.ts';
import type { KernelTensor } from '../kernelSpec.ts';
import { countUniform, lineMain, lineWorkgroups, type WgslProgram } from '../runWgsl.ts';
import { type FusedSizes, rowWidth } from './attentionFused.cpu.ts';
import { chain, each, headLayout, type HeadLayout, type KeyPlaces, loadRow, quadDirectives, range, storage, type Tile } from './tiles.ts';
import { isWide, wideForwardCode, wideGradKeyCode, wideGradQueryCode, wideProgram } from './wideAttention.webgpu.ts';

/**
 * Queries (or keys, in the gradient of keys and values) that an invocation owns. Software adapters gain by every load that is shared: B 8, T 64,
 * H 4, K 32 took 15 ms forward with one query, 8 with two, 3.5 with two in quads; four compile for seconds. Hardware wants registers spared.
 */
function owned(K: number): { count: number; quad: boolean } {
  const { adapterClass, subgroups } = deviceTraits();
  const software = adapterClass === 'software';
  return { count: software && K <= 64 ? 2 : 1, quad: software && subgroups && K % 16 === 0 };
}

export function forwardTile(K: number, T: number): Tile {
  const { count, quad } = owned(K);
  if (T === 1) return { queries: 1, keys: 4, quad: false };
  return { queries: count, keys: count > 1 || K > 64 ? 1 : 4, quad };
}

export const inRows: KeyPlaces = {
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
  const { scale, window } = sizes;
  return [countUniform(count), i32('B', sizes.B), i32('T', sizes.T), i32('H', sizes.H), i32('G', sizes.G), i32('parts', parts), i32('width', width), i32('past', pastLength), { name: 'scale', type: 'f32', value: scale }, ...(window === null ? [] : [i32('window', window)])];
};

/** Unpacks the invocation's index into (pair, tile), counted down if the late ones are the long ones; `lane` in quads of neighbouring tiles. */
const tileIndex = (pairs: string, size: number, quad: boolean, late: boolean): string => `
  let pairs = ${pairs};
  let walks = (params.T + ${size * (quad ? 4 : 1) - 1}) / ${size * (quad ? 4 : 1)};
  ${quad ? 'let lane = i32(i) & 3; let walk = (i32(i) >> 2u) / pairs; let pair = (i32(i) >> 2u) % pairs;' : 'let walk = i32(i) / pairs; let pair = i32(i) % pairs;'}
  let together = ${late ? '(walks - 1 - walk)' : 'walk'} * ${size * (quad ? 4 : 1)};
  let own = together${quad ? ` + lane * ${size}` : ''};`;

/** Invocations that `tileIndex` counts. */
export const tileCount = (pairs: number, T: number, size: number, quad: boolean): number => pairs * Math.ceil(T / (size * (quad ? 4 : 1))) * (quad ? 4 : 1);

/** The invocation's tile of queries t0.. of head h in row b. */
const queryTile = (tile: Tile, places: KeyPlaces, windowed: boolean): string => `${tileIndex('params.B * params.H', tile.queries, tile.quad, true)}
  let t0 = own;
  let h = pair % params.H;
  let b = pair / params.H;
  let group = (h * params.G) / params.H;
  let first = max(${windowed ? 'max(0, params.past + together - params.window + 1)' : '0'}, start[b]);
  let last = params.past + min(together + ${tile.queries * (tile.quad ? 4 : 1) - 1}, params.T - 1);
  let keyBase = ${places.keyBase};
  let valueBase = ${places.valueBase};
  ${each(tile.queries, (r) => `let row${r} = b * params.T + min(t0 + ${r}, params.T - 1); let x${r} = row${r} * params.width + h * params.parts; let o${r} = (row${r} * params.H + h) * params.parts;`)}`;

/** Only the tile's own queries are written: the last tile may reach past T. */
const guarded = (r: number, body: string): string => `if (t0 + ${r} < params.T) { ${body} }`;

const vectorOf = (n: number): string => (n === 1 ? 'f32' : `vec${n}f`);
const lane = (name: string, n: number, c: number): string => (n === 1 ? name : `${name}.${'xyzw'[c]}`);
const combine = (name: string, n: number, how: (a: string, b: string) => string): string => range(n).map((c) => lane(name, n, c)).reduce(how);

/** Online softmax over the slots, then the output; `saved` writes logSumExp too. */
export function forwardCode(layout: HeadLayout, tile: Tile, places: KeyPlaces, { saved, windowed }: { saved: boolean; windowed: boolean }): string {
  const { parts, zero, total, splat } = layout;
  const { queries: Q, keys: C } = tile;
  const slots = C === 1 ? 's' : `(vec${C}i(s) + vec${C}i(${range(C).join(', ')}))`;
  const oldest = (r: number): string => (windowed ? ` ${C === 1 ? '&&' : '&'} (${slots} > (${limit(r)} - params.window))` : '');
  const limit = (r: number): string => (C === 1 ? `params.past + t0 + ${r}` : `vec${C}i(params.past + t0 + ${r})`);
  const vector = vectorOf(C);
  return `${tile.quad ? quadDirectives : ''}${lineMain}${queryTile(tile, places, windowed)}
  ${each(Q, (r) => `${each(parts, (j) => `let q${r}_${j} = qkv[x${r} + ${j}] * params.scale; var a${r}_${j} = ${zero};`)}\n    var top${r} = -1.0e30; var sum${r} = 0.0;`)}
  for (var s = first; s <= last; s += ${C}) {
    ${each(C, (c) => `let slot${c} = min(s + ${c}, last) * ${places.stride}; let k${c} = keyBase + slot${c}; let v${c} = valueBase + slot${c};`)}
    ${each(Q, (r) => each(C, (c) => `var d${r}_${c} = ${zero};`))}
    ${each(C, (c) => {
      const key = loadRow('key', places.keys, `k${c}`, parts, tile.quad);
      return `{ ${key.declare} ${range(parts).map((j) => range(Q).map((r) => `d${r}_${c} = fma(q${r}_${j}, ${key.part(j)}, d${r}_${c});`).join(' ')).join('\n    ')} }`;
    })}
    ${each(Q, (r) => `let seen${r} = ${windowed ? '(' : ''}${slots} <= ${limit(r)}${windowed ? ')' : ''}${oldest(r)};
    let z${r} = select(${vector}(-1.0e30), ${vector}(${range(C).map((c) => total(`d${r}_${c}`)).join(', ')}), seen${r});
    let m${r} = max(top${r}, ${combine(`z${r}`, C, (a, b) => `max(${a}, ${b})`)});
    let fade${r} = exp(top${r} - m${r});
    let p${r} = select(${vector}(0.0), exp(z${r} - m${r}), seen${r});
    top${r} = m${r};
    sum${r} = fma(sum${r}, fade${r}, ${combine(`p${r}`, C, (a, b) => `${a} + ${b}`)});`)}
    ${each(C, (c) => loadRow(`u${c}`, places.values, `v${c}`, parts, tile.quad).declare)}
    ${each(parts, (j) => range(Q).map((r) => `a${r}_${j} = ${chain(range(C).map((c) => [splat(lane(`p${r}`, C, c)), `u${c}_${j}`]), `a${r}_${j} * fade${r}`)};`).join(' '))}
  }
  ${each(Q, (r) => {
    const logSum = saved ? ` logSumExp[(b * params.H + h) * params.T + t0 + ${r}] = select(0.0, top${r} + log(max(sum${r}, 1.0e-30)), some);` : '';
    return guarded(r, `let some = sum${r} > 0.0; let inverse = select(0.0, 1.0 / max(sum${r}, 1.0e-30), some); ${range(parts).map((j) => `out[o${r} + ${j}] = a${r}_${j} * inverse;`).join(' ')}${logSum}`);
  })}
}`;
}

/** Gradient of the queries, and Σ gradOut · out of each for the other program. */
function gradQueryCode(layout: HeadLayout, tile: Tile, windowed: boolean): string {
  const { parts, zero, total, splat } = layout;
  const { queries: Q, keys: C } = tile;
  return `${tile.quad ? quadDirectives : ''}${lineMain}${queryTile(tile, inRows, windowed)}
  ${each(Q, (r) => `${each(parts, (j) => `let q${r}_${j} = qkv[x${r} + ${j}]; let g${r}_${j} = gradOut[o${r} + ${j}]; var a${r}_${j} = ${zero};`)}
    var mean${r}v = ${zero}; ${range(parts).map((j) => `mean${r}v = fma(g${r}_${j}, o[o${r} + ${j}], mean${r}v);`).join(' ')}
    let mean${r} = ${total(`mean${r}v`)}; let at${r} = (b * params.H + h) * params.T + t0 + ${r}; let lse${r} = logSumExp[min(at${r}, i32(params.B * params.H * params.T) - 1)];`)}
  for (var s = first; s <= last; s += ${C}) {
    ${each(C, (c) => `let slot${c} = min(s + ${c}, last) * params.width; let k${c} = keyBase + slot${c}; let v${c} = valueBase + slot${c};`)}
    ${each(C, (c) => `${range(Q).map((r) => `var d${r}_${c} = ${zero}; var e${r}_${c} = ${zero};`).join(' ')}
    ${loadRow(`k${c}`, 'qkv', `k${c}`, parts, tile.quad).declare} ${loadRow(`v${c}`, 'qkv', `v${c}`, parts, tile.quad).declare}
    ${each(parts, (j) => `${range(Q).map((r) => `d${r}_${c} = fma(q${r}_${j}, k${c}_${j}, d${r}_${c}); e${r}_${c} = fma(g${r}_${j}, v${c}_${j}, e${r}_${c});`).join(' ')}`)}
    ${each(Q, (r) => `let w${r}_${c} = select(0.0, exp(fma(${total(`d${r}_${c}`)}, params.scale, -lse${r})) * (${total(`e${r}_${c}`)} - mean${r}) * params.scale, s + ${c} <= t0 + ${r}${windowed ? ` && s + ${c} > t0 + ${r} - params.window` : ''});`)}`)}
    ${each(parts, (j) => range(Q).map((r) => `a${r}_${j} = ${chain(range(C).map((c) => [splat(`w${r}_${c}`), `k${c}_${j}`]), `a${r}_${j}`)};`).join(' '))}
  }
  ${each(Q, (r) => guarded(r, `means[at${r}] = mean${r}; ${range(parts).map((j) => `gradQkv[x${r} + ${j}] = a${r}_${j};`).join(' ')}`))}
}`;
}

/** Gradients of keys and values. */
function gradKeyCode(layout: HeadLayout, tile: Tile, windowed: boolean): string {
  const { parts, zero, total, splat } = layout;
  const { queries: Q, keys: C } = tile;
  return `${tile.quad ? quadDirectives : ''}${lineMain}${tileIndex('params.B * params.G', C, tile.quad, false)}
  let s0 = own;
  let group = pair % params.G;
  let b = pair / params.G;
  let first = max(0, start[b]);
  let share = params.H / params.G;
  let end = ${windowed ? `min(params.T, together + ${C * (tile.quad ? 4 : 1) - 1} + params.window)` : 'params.T'};
  ${each(C, (c) => `let k${c} = (b * params.T + min(s0 + ${c}, params.T - 1)) * params.width + (params.H + group) * params.parts; let v${c} = k${c} + params.G * params.parts;
    ${each(parts, (j) => `let k${c}_${j} = qkv[k${c} + ${j}]; let v${c}_${j} = qkv[v${c} + ${j}]; var x${c}_${j} = ${zero}; var y${c}_${j} = ${zero};`)}`)}
  for (var h = group * share; h < (group + 1) * share; h++) {
    for (var t = max(together, first); t < end; t += ${Q}) {
    ${each(Q, (r) => `let t${r} = min(t + ${r}, params.T - 1); let row${r} = b * params.T + t${r}; let q${r} = row${r} * params.width + h * params.parts; let o${r} = (row${r} * params.H + h) * params.parts;
    let at${r} = (b * params.H + h) * params.T + t${r}; let lse${r} = logSumExp[at${r}]; let mean${r} = means[at${r}];
    ${range(C).map((c) => `var d${r}_${c} = ${zero}; var e${r}_${c} = ${zero};`).join(' ')}
    ${loadRow(`q${r}`, 'qkv', `q${r}`, parts, tile.quad).declare} ${loadRow(`g${r}`, 'gradOut', `o${r}`, parts, tile.quad).declare}
    ${each(parts, (j) => `${range(C).map((c) => `d${r}_${c} = fma(q${r}_${j}, k${c}_${j}, d${r}_${c}); e${r}_${c} = fma(g${r}_${j}, v${c}_${j}, e${r}_${c});`).join(' ')}`)}
    ${each(C, (c) => `let p${r}_${c} = select(0.0, exp(fma(${total(`d${r}_${c}`)}, params.scale, -lse${r})), t + ${r} < params.T && s0 + ${c} <= t${r} && s0 + ${c} >= first${windowed ? ` && s0 + ${c} > t${r} - params.window` : ''});
    let w${r}_${c} = p${r}_${c} * (${total(`e${r}_${c}`)} - mean${r}) * params.scale;`)}`)}
    ${each(C, (c) => each(parts, (j) => `x${c}_${j} = ${chain(range(Q).map((r) => [splat(`w${r}_${c}`), `q${r}_${j}`]), `x${c}_${j}`)}; y${c}_${j} = ${chain(range(Q).map((r) => [splat(`p${r}_${c}`), `g${r}_${j}`]), `y${c}_${j}`)};`))}
    }
  }
  ${each(C, (c) => `if (s0 + ${c} < params.T) { ${range(parts).map((j) => `gradQkv[k${c} + ${j}] = x${c}_${j}; gradQkv[v${c} + ${j}] = y${c}_${j};`).join(' ')} }`)}
}`;
}

export const keyOf = (name: string, { K, window }: FusedSizes, tile: Tile): string => `${name}_${K}_${tile.queries}_${tile.keys}${tile.quad ? '_quad' : ''}${window === null ? '' : '_window'}`;

export function attentionFusedProgram(t: { qkv: KernelTensor; start: KernelTensor; out: KernelTensor; logSumExp: KernelTensor }, sizes: FusedSizes): WgslProgram {
  const layout = headLayout(sizes.K);
  const bindings = [storage('qkv', t.qkv, layout.element), storage('start', t.start, 'i32'), storage('out', t.out, layout.element, 'read_write'), storage('logSumExp', t.logSumExp, 'f32', 'read_write')];
  const how = { saved: true, windowed: sizes.window !== null };
  if (isWide(sizes)) return wideProgram('attentionWide', sizes, { bindings, uniforms: sizeUniforms(sizes, sizes.B * sizes.H * sizes.T, 0), code: () => wideForwardCode(layout, inRows, how) });
  const tile = forwardTile(sizes.K, sizes.T);
  const count = tileCount(sizes.B * sizes.H, sizes.T, tile.queries, tile.quad);
  return {
    key: keyOf('attentionFused', sizes, tile),
    bindings,
    uniforms: sizeUniforms(sizes, count, 0),
    code: () => forwardCode(layout, tile, inRows, how),
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

export function attentionFusedGradPrograms(t: GradTensors, sizes: FusedSizes): WgslProgram[] {
  const layout = headLayout(sizes.K);
  const { element } = layout;
  const { B, T, H, G, K } = sizes;
  const saved = [storage('logSumExp', t.logSumExp, 'f32'), storage('gradOut', t.gradOut, element), storage('gradQkv', t.gradQkv, element, 'read_write')];
  const forQueries = [storage('qkv', t.qkv, element), storage('start', t.start, 'i32'), storage('o', t.out, element), ...saved, storage('means', t.means, 'f32', 'read_write')];
  const forKeys = [storage('qkv', t.qkv, element), storage('start', t.start, 'i32'), storage('means', t.means, 'f32'), ...saved];
  const windowed = sizes.window !== null;
  if (isWide(sizes))
    return [
      wideProgram('attentionWideGradQ', sizes, { bindings: forQueries, uniforms: sizeUniforms(sizes, B * H * T, 0), code: () => wideGradQueryCode(layout, inRows, windowed) }),
      wideProgram('attentionWideGradKV', sizes, { bindings: forKeys, uniforms: sizeUniforms(sizes, B * G * T, 0), code: () => wideGradKeyCode(layout, windowed) }),
    ];
  const { count, quad } = owned(K);
  const queryTiles = { queries: count, keys: 1, quad };
  const keyTiles = { queries: 1, keys: count, quad };
  const queryCount = tileCount(B * H, T, queryTiles.queries, queryTiles.quad);
  const keyCount = tileCount(B * G, T, keyTiles.keys, keyTiles.quad);
  return [
    {
      key: keyOf('attentionFusedGradQ', sizes, queryTiles),
      bindings: forQueries,
      uniforms: sizeUniforms(sizes, queryCount, 0),
      code: () => gradQueryCode(layout, queryTiles, windowed),
      workgroups: lineWorkgroups(queryCount),
    },
    {
      key: keyOf('attentionFusedGradKV', sizes, keyTiles),
      bindings: forKeys,
      uniforms: sizeUniforms(sizes, keyCount, 0),
      code: () => gradKeyCode(layout, keyTiles, windowed),
      workgroups: lineWorkgroups(keyCount),
    },
  ];
}
