/**
 * WGSL of the linear ops: each invocation owns a block of the result in named variables, four k a trip, no shared memory and no barriers.
 * Any size is right: indices are clamped into the matrices, writes are guarded. Sizes are uniforms, so few pipelines are made.
 */
import type { KernelTensor } from '../kernelSpec.ts';
import type { WgslBinding, WgslProgram } from '../runWgsl.ts';
import type { ProductSizes } from './linear.cpu.ts';

interface Variant {
  transposeA: boolean;
  transposeB: boolean;
  bias: boolean;
  residual: boolean;
  add: boolean;
  rows: number;
  columns: number;
}

const workgroupColumns = 8;
const workgroupRows = 4;
const repeat = (n: number, line: (i: number) => string): string => Array.from({ length: n }, (_, i) => line(i)).join('\n    ');

function codeOf({ transposeA, transposeB, bias, residual, add, rows, columns }: Variant): string {
  const a = (r: number): string => (transposeA ? `a[k * params.M + row${r}]` : `a[row${r} * params.K + k]`);
  const b = (c: number): string => (transposeB ? `b[column${c} * params.K + k]` : `b[k * params.N + column${c}]`);
  const column = (c: number): string => `c0 + ${c * workgroupColumns}u`;
  const stored = (r: number, c: number): string => `${add ? 'out[at] + ' : ''}s${r}_${c}${bias ? ` + bias[column${c}]` : ''}${residual ? ' + residual[at]' : ''}`;
  return `
@compute @workgroup_size(${workgroupColumns}, ${workgroupRows})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let c0 = group.x * ${workgroupColumns * columns}u + local.x;
  let r0 = (group.y * ${workgroupRows}u + local.y) * ${rows}u;
  if (c0 >= params.N || r0 >= params.M) { return; }
  ${repeat(rows, (r) => `let row${r} = min(r0 + ${r}u, params.M - 1u);`)}
  ${repeat(columns, (c) => `let column${c} = min(${column(c)}, params.N - 1u);`)}
  ${repeat(rows, (r) => repeat(columns, (c) => `var s${r}_${c} = 0.0;`))}
  for (var k = 0u; k < params.K; k++) {
    ${repeat(rows, (r) => `let a${r} = ${a(r)};`)}
    ${repeat(columns, (c) => `let b${c} = ${b(c)};`)}
    ${repeat(rows, (r) => repeat(columns, (c) => `s${r}_${c} = fma(a${r}, b${c}, s${r}_${c});`))}
  }
  ${repeat(rows, (r) => `if (r0 + ${r}u < params.M) { ${repeat(columns, (c) => `if (${column(c)} < params.N) { let at = row${r} * params.N + column${c}; out[at] = ${stored(r, c)}; }`)} }`)}
}`;
}

/** The program of one product; `add` adds to what `out` holds. */
export function productPrograms(inputs: Partial<Record<'a' | 'b' | 'bias' | 'residual', KernelTensor>>, out: KernelTensor, sizes: ProductSizes, add: boolean): WgslProgram[] {
  const { M, N, K, transposeA, transposeB } = sizes;
  const variant: Variant = { transposeA, transposeB, bias: Boolean(inputs.bias), residual: Boolean(inputs.residual), add, rows: M >= 8 ? 8 : 1, columns: 4 };
  const read = (['a', 'b', 'bias', 'residual'] as const).flatMap((name): WgslBinding[] => (inputs[name] ? [{ name, tensor: inputs[name], element: 'f32', access: 'read' }] : []));
  const program: WgslProgram = {
    key: `linear_${Object.values(variant).map(Number).join('_')}`,
    bindings: [...read, { name: 'out', tensor: out, element: 'f32', access: 'read_write' }],
    uniforms: [
      { name: 'M', type: 'u32', value: M },
      { name: 'N', type: 'u32', value: N },
      { name: 'K', type: 'u32', value: K },
    ],
    code: () => codeOf(variant),
    workgroups: [Math.ceil(N / (workgroupColumns * variant.columns)), Math.ceil(M / (workgroupRows * variant.rows)), 1],
  };
  return [program];
}
