/** WGSL of takeColumns and addColumns: a value or four an invocation; neighbours read and write neighbouring columns. */
import type { KernelTensor } from '../kernelSpec.ts';
import { countUniform, lineMain, lineWorkgroups, type WgslProgram } from '../runWgsl.ts';
import type { ColumnSizes } from './columns.cpu.ts';

const bodies = {
  takeColumns: 'part[i] = params.scale * wide[at];',
  addColumns: 'wide[at] += params.scale * part[i];',
};

export function columnsProgram(op: keyof typeof bodies, wide: KernelTensor, part: KernelTensor, sizes: ColumnSizes): WgslProgram {
  const { R, W, from, count, scale } = sizes;
  const lanes = W % 4 === 0 && from % 4 === 0 && count % 4 === 0 ? 4 : 1;
  const element = lanes === 4 ? 'vec4f' : 'f32';
  const invocations = (R * count) / lanes;
  return {
    key: op,
    bindings: [
      { name: 'wide', tensor: wide, element, access: op === 'takeColumns' ? 'read' : 'read_write' },
      { name: 'part', tensor: part, element, access: op === 'takeColumns' ? 'read_write' : 'read' },
    ],
    uniforms: [
      countUniform(invocations),
      { name: 'W', type: 'u32', value: W / lanes },
      { name: 'start', type: 'u32', value: from / lanes },
      { name: 'columns', type: 'u32', value: count / lanes },
      { name: 'scale', type: 'f32', value: scale },
    ],
    code: () => `${lineMain}
  let row = i / params.columns;
  let at = row * params.W + params.start + i - row * params.columns;
  ${bodies[op]}
}`,
    workgroups: lineWorkgroups(invocations),
  };
}
