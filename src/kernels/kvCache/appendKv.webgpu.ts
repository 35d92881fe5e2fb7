/** WGSL of appendKv: one invocation a number, keys and values. */
import type { FusedSizes } from '../attention/attentionFused.cpu.ts';
import { rowWidth } from '../attention/attentionFused.cpu.ts';
import type { KernelTensor } from '../kernelSpec.ts';
import { countUniform, lineMain, lineWorkgroups, type WgslProgram } from '../runWgsl.ts';

export function appendKvProgram(t: { qkv: KernelTensor; keys: KernelTensor; values: KernelTensor; rows: KernelTensor | undefined }, pastLength: number, S: number, sizes: FusedSizes): WgslProgram {
  const { qkv, keys, values, rows } = t;
  const { B, T, H, G, K } = sizes;
  const count = B * T * G * K;
  const u32 = (name: string, value: number): WgslProgram['uniforms'][number] => ({ name, type: 'u32', value });
  return {
    key: `appendKv${rows ? '_rows' : ''}`,
    bindings: [
      { name: 'qkv', tensor: qkv, element: 'f32', access: 'read' },
      { name: 'keys', tensor: keys, element: 'f32', access: 'read_write' },
      { name: 'values', tensor: values, element: 'f32', access: 'read_write' },
      ...(rows ? [{ name: 'rows', tensor: rows, element: 'i32', access: 'read' } as const] : []),
    ],
    uniforms: [countUniform(count), u32('T', T), u32('S', S), u32('past', pastLength), u32('row', G * K), u32('queries', H * K), u32('width', rowWidth(sizes))],
    code: () => `${lineMain}
  let row = i / params.row;
  let column = i % params.row;
  let b = ${rows ? 'u32(rows[row / params.T])' : 'row / params.T'};
  let to = (b * params.S + params.past + row % params.T) * params.row + column;
  let source = row * params.width + params.queries + column;
  keys[to] = qkv[source];
  values[to] = qkv[source + params.row];
}`,
    workgroups: lineWorkgroups(count),
  };
}
