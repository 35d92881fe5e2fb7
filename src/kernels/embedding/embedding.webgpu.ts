/** WGSL that reads and writes whole rows by index: token embedding with positions, its gradient into a slab, gather and scatter of rows. */
import { type RowWindow, windowsOf } from '../bindingLimit.ts';
import type { KernelTensor } from '../kernelSpec.ts';
import { operandReads, storageKey } from '../packed.webgpu.ts';
import { countUniform, lineMain, lineWorkgroups, type WgslProgram } from '../runWgsl.ts';

const quietNaN = 0x7fc00000;

interface EmbedTensors {
  table: KernelTensor;
  ids: KernelTensor;
  positionTable?: KernelTensor | undefined;
  positions?: KernelTensor | undefined;
  out: KernelTensor;
}

/** Columns four at a time where C allows. */
const columnsOf = (C: number): { element: 'f32' | 'vec4f'; width: number } => (C % 4 === 0 ? { element: 'vec4f', width: C / 4 } : { element: 'f32', width: C });

/**
 * Opens a kernel that reads row `index` of a table: leaves what lies in another window alone. A GPU cannot throw: an index outside the table
 * gives NaN, which every later check sees.
 * @param outside WGSL that is true where nothing can be read
 */
const rowGuard = (element: string, index: string, windowed: boolean, outside: string): string => `
  if (${outside}) { ${windowed ? 'if (params.firstRow == 0) { ' : ''}out[i] = ${element}(bitcast<f32>(params.nan));${windowed ? ' }' : ''} return; }
  ${windowed ? `if (${index} < params.firstRow || ${index} >= params.firstRow + params.windowRows) { return; }` : ''}`;

/** Uniforms of a table that is read in windows. */
const windowUniforms = ({ first, rows }: RowWindow, windowed: boolean): WgslProgram['uniforms'] =>
  windowed ? [{ name: 'firstRow', type: 'i32', value: first }, { name: 'windowRows', type: 'i32', value: rows.shape[0]! }] : [];

/** A program a window of the table, each of which writes the rows that lie in it. */
export const embedTokensPrograms = (t: EmbedTensors, C: number, scale: number): WgslProgram[] => windowsOf(t.table).map((window, _, all) => embedTokensProgram(t, window, all.length > 1, C, scale));

export const gatherRowsPrograms = (x: KernelTensor, rows: KernelTensor, out: KernelTensor, C: number): WgslProgram[] =>
  windowsOf(x).map((window, _, all) => gatherRowsProgram(x, window, all.length > 1, rows, out, C));

function embedTokensProgram(t: EmbedTensors, window: RowWindow, windowed: boolean, C: number, scale: number): WgslProgram {
  const { element, width } = columnsOf(C);
  const table = operandReads('table', t.table.storage, element === 'vec4f');
  const places = operandReads('positionTable', t.positionTable?.storage, element === 'vec4f');
  const [N, V] = [t.ids.shape[0]!, t.table.shape[0]!];
  const { positionTable, positions } = t;
  return {
    key: `embedTokens${windowed ? '_windowed' : ''}${scale === 1 ? '' : '_scaled'}${storageKey(t.table.storage)}_${storageKey(positionTable?.storage)}`,
    bindings: [
      { name: 'table', tensor: window.rows, element: table.element, access: 'read' },
      { name: 'ids', tensor: t.ids, element: 'i32', access: 'read' },
      ...(positionTable && positions
        ? ([
            { name: 'positionTable', tensor: positionTable, element: places.element, access: 'read' },
            { name: 'positions', tensor: positions, element: 'i32', access: 'read' },
          ] as const)
        : []),
      { name: 'out', tensor: t.out, element, access: 'read_write' },
    ],
    uniforms: [
      countUniform(N * width),
      { name: 'V', type: 'i32', value: V },
      { name: 'P', type: 'i32', value: positionTable?.shape[0] ?? 0 },
      { name: 'C', type: 'u32', value: width },
      { name: 'nan', type: 'u32', value: quietNaN },
      { name: 'scale', type: 'f32', value: scale },
      ...windowUniforms(window, windowed),
    ],
    code: () => `${table.functions}${positionTable ? places.functions : ''}${lineMain}
  let row = i / params.C;
  let c = i % params.C;
  let id = ids[row];
  ${positionTable ? 'let position = positions[row];' : ''}${rowGuard(element, 'id', windowed, `id < 0 || id >= params.V${positionTable ? ' || position < 0 || position >= params.P' : ''}`)}
  out[i] = ${scale === 1 ? '' : 'params.scale * '}${table.at(`u32(id${windowed ? ' - params.firstRow' : ''}) * params.C + c`)}${positionTable ? ` + ${places.at('u32(position) * params.C + c')}` : ''};
}`,
    workgroups: lineWorkgroups(N * width),
  };
}

/** `links` [2N]: the next row with the same id (or −1), then 1 where a row is the first of its id. */
export function embeddingLinksProgram(ids: KernelTensor, links: KernelTensor): WgslProgram {
  const N = ids.shape[0]!;
  return {
    key: 'embeddingLinks',
    bindings: [
      { name: 'inputIds', tensor: ids, element: 'i32', access: 'read' },
      { name: 'links', tensor: links, element: 'i32', access: 'read_write' },
    ],
    uniforms: [countUniform(N)],
    code: () => `${lineMain}
  let id = inputIds[i];
  var next = -1;
  for (var r = i + 1u; r < params.count; r++) { if (inputIds[r] == id) { next = i32(r); break; } }
  var first = 1;
  for (var r = 0u; r < i; r++) { if (inputIds[r] == id) { first = 0; break; } }
  links[i] = next;
  links[params.count + i] = first;
}`,
    workgroups: lineWorkgroups(N),
  };
}

/** into[id] += scale · its rows of gradX, in row order: the same bits on every run, without atomics. */
export function addEmbeddingGradProgram(t: { gradX: KernelTensor; ids: KernelTensor; links: KernelTensor; into: KernelTensor }, C: number, scale: number): WgslProgram {
  const { element, width } = columnsOf(C);
  const N = t.ids.shape[0]!;
  return {
    key: 'addEmbeddingGrad',
    bindings: [
      { name: 'gradX', tensor: t.gradX, element, access: 'read' },
      { name: 'ids', tensor: t.ids, element: 'i32', access: 'read' },
      { name: 'links', tensor: t.links, element: 'i32', access: 'read' },
      { name: 'table', tensor: t.into, element, access: 'read_write' },
    ],
    uniforms: [countUniform(N * width), { name: 'N', type: 'u32', value: N }, { name: 'V', type: 'i32', value: t.into.shape[0]! }, { name: 'C', type: 'u32', value: width }, { name: 'scale', type: 'f32', value: scale }],
    code: () => `${lineMain}
  let row = i / params.C;
  let c = i % params.C;
  let id = ids[row];
  if (links[params.N + row] == 0 || id < 0 || id >= params.V) { return; }
  var sum = gradX[i];
  for (var r = links[row]; r >= 0; r = links[r]) { sum += gradX[u32(r) * params.C + c]; }
  table[u32(id) * params.C + c] += params.scale * sum;
}`,
    workgroups: lineWorkgroups(N * width),
  };
}

function gatherRowsProgram(x: KernelTensor, window: RowWindow, windowed: boolean, rows: KernelTensor, out: KernelTensor, C: number): WgslProgram {
  const { element, width } = columnsOf(C);
  const reads = operandReads('x', x.storage, element === 'vec4f');
  const N = rows.shape[0]!;
  return {
    key: `gatherRows${windowed ? '_windowed' : ''}${storageKey(x.storage)}`,
    bindings: [
      { name: 'x', tensor: window.rows, element: reads.element, access: 'read' },
      { name: 'rows', tensor: rows, element: 'i32', access: 'read' },
      { name: 'out', tensor: out, element, access: 'read_write' },
    ],
    uniforms: [countUniform(N * width), { name: 'R', type: 'i32', value: x.shape[0]! }, { name: 'C', type: 'u32', value: width }, { name: 'nan', type: 'u32', value: quietNaN }, ...windowUniforms(window, windowed)],
    code: () => `${reads.functions}${lineMain}
  let row = rows[i / params.C];${rowGuard(element, 'row', windowed, 'row < 0 || row >= params.R')}
  out[i] = ${reads.at(`u32(row${windowed ? ' - params.firstRow' : ''}) * params.C + i % params.C`)};
}`,
    workgroups: lineWorkgroups(N * width),
  };
}

/** An invocation a row of the result: it looks for the row of grad that belongs there. */
export function scatterRowsProgram(grad: KernelTensor, rows: KernelTensor, out: KernelTensor, C: number): WgslProgram {
  const { element, width } = columnsOf(C);
  const R = out.shape[0]!;
  return {
    key: 'scatterRows',
    bindings: [
      { name: 'grad', tensor: grad, element, access: 'read' },
      { name: 'rows', tensor: rows, element: 'i32', access: 'read' },
      { name: 'out', tensor: out, element, access: 'read_write' },
    ],
    uniforms: [countUniform(R), { name: 'N', type: 'u32', value: rows.shape[0]! }, { name: 'C', type: 'u32', value: width }],
    code: () => `${lineMain}
  var source = -1;
  for (var n = 0u; n < params.N; n++) { if (rows[n] == i32(i)) { source = i32(n); break; } }
  if (source < 0) {
    for (var c = 0u; c < params.C; c++) { out[i * params.C + c] = ${element}(0.0); }
  } else {
    for (var c = 0u; c < params.C; c++) { out[i * params.C + c] = grad[u32(source) * params.C + c]; }
  }
}`,
    workgroups: lineWorkgroups(R),
  };
}
