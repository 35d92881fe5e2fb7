/** WGSL of rope. */
import type { KernelTensor } from '../kernelSpec.ts';
import { countUniform, lineMain, lineWorkgroups, type WgslProgram } from '../runWgsl.ts';

/** In place on the first `heads` heads of each row of `width` values; a pair or, where the sizes allow, four an invocation. */
export function rotateProgram(
  t: { qkv: KernelTensor; cos: KernelTensor; sin: KernelTensor; positions: KernelTensor },
  { rows, width, heads, headDim, rotaryDim, direction }: { rows: number; width: number; heads: number; headDim: number; rotaryDim: number; direction: number },
): WgslProgram {
  const fours = rotaryDim % 8 === 0 && headDim % 4 === 0 && width % 4 === 0;
  const element = fours ? 'vec4f' : 'f32';
  const half = rotaryDim / (fours ? 8 : 2);
  return {
    key: 'ropeRotate',
    bindings: [
      { name: 'cosTable', tensor: t.cos, element, access: 'read' },
      { name: 'sinTable', tensor: t.sin, element, access: 'read' },
      { name: 'positions', tensor: t.positions, element: 'i32', access: 'read' },
      { name: 'qkv', tensor: t.qkv, element, access: 'read_write' },
    ],
    uniforms: [
      countUniform(rows * heads * half),
      { name: 'heads', type: 'u32', value: heads },
      { name: 'half', type: 'u32', value: half },
      { name: 'headDim', type: 'u32', value: headDim / (fours ? 4 : 1) },
      { name: 'width', type: 'u32', value: width / (fours ? 4 : 1) },
      { name: 'direction', type: 'f32', value: direction },
    ],
    code: () => `${lineMain}
  let pair = i % params.half;
  let head = i / params.half;
  let row = head / params.heads;
  let angle = u32(positions[row]) * params.half + pair;
  let c = cosTable[angle];
  let s = sinTable[angle] * params.direction;
  let at = row * params.width + (head % params.heads) * params.headDim + pair;
  let low = qkv[at];
  let high = qkv[at + params.half];
  qkv[at] = low * c - high * s;
  qkv[at + params.half] = high * c + low * s;
}`,
    workgroups: lineWorkgroups(rows * heads * half),
  };
}
