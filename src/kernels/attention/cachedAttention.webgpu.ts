/** WGSL of cachedAttention: the forward program of attentionFused.webgpu.ts with keys and values from a cache. */
import type { KernelTensor } from '../kernelSpec.ts';
import { lineWorkgroups, type WgslProgram } from '../runWgsl.ts';
import type { FusedSizes } from './attentionFused.cpu.ts';
import { forwardCode, forwardTile, keyOf, sizeUniforms, tileCount } from './attentionFused.webgpu.ts';
import { headLayout, type KeyPlaces, storage } from './tiles.ts';
import { isWide, wideForwardCode, wideProgram } from './wideAttention.webgpu.ts';

const inCache: KeyPlaces = {
  keys: 'keys',
  values: 'values',
  keyBase: '(b * params.S * params.G + group) * params.parts',
  valueBase: 'keyBase',
  stride: '(params.G * params.parts)',
};

export function cachedAttentionProgram(
  t: { qkv: KernelTensor; keys: KernelTensor; values: KernelTensor; start: KernelTensor; out: KernelTensor },
  sizes: FusedSizes & { S: number; pastLength: number },
): WgslProgram {
  const layout = headLayout(sizes.K);
  const { element } = layout;
  const bindings = [storage('qkv', t.qkv, element), storage('keys', t.keys, element), storage('values', t.values, element), storage('start', t.start, 'i32'), storage('out', t.out, element, 'read_write')];
  const uniforms = (count: number): WgslProgram['uniforms'] => [...sizeUniforms(sizes, count, sizes.pastLength), { name: 'S', type: 'i32', value: sizes.S }];
  const how = { saved: false, windowed: sizes.window !== null };
  if (isWide(sizes)) return wideProgram('cachedAttentionWide', sizes, { bindings, uniforms: uniforms(sizes.B * sizes.H * sizes.T), code: () => wideForwardCode(layout, inCache, how) });
  const tile = forwardTile(sizes.K, sizes.T);
  const count = tileCount(sizes.B * sizes.H, sizes.T, tile.queries, tile.quad);
  return {
    key: keyOf('cachedAttention', sizes, tile),
    bindings,
    uniforms: uniforms(count),
    code: () => forwardCode(layout, tile, inCache, how),
    workgroups: lineWorkgroups(count),
  };
}
