/**
 * Products whose invocations own a block of the result in named variables, four k a trip, no shared memory and no barriers: what software
 * adapters run best, because there every load is dozens of instructions and every barrier a switch of coroutines. With `quad`, four
 * neighbouring invocations load different parts of a and broadcast them: a quarter of the loads of a.
 * Measured on SwiftShader: a block of 8 × 4 is best, because its loop (22 KB of machine code) still fits the instruction cache.
 */
import { type ProductForm, type ProductTile, productFunctions, repeat } from './product.webgpu.ts';

interface RegisterTile {
  /** Rows of the block of one invocation, a multiple of 4. */
  rows: number;
  /** Columns of it, a multiple of 4. */
  columns: number;
  workgroupColumns: number;
  workgroupRows: number;
  /** Needs the feature 'subgroups', and that invocations 4i … 4i + 3 of a row of the workgroup are a quad. */
  quad: boolean;
}

const lanes = 'xyzw';

/** Defines `y<row>_<j>`: the value of a at this invocation's row and k + j. */
function loadA({ rows, quad }: RegisterTile, { transposeA }: ProductForm): string {
  const spread = (name: (i: number, j: number) => string, from: (i: number, j: number) => string): string => repeat(4, (i) => repeat(4, (j) => `let ${name(i, j)} = ${from(i, j)};`));
  if (!transposeA && !quad) return repeat(rows, (r) => `let x${r} = aAlongK(a${r}, k4); ${repeat(4, (j) => `let y${r}_${j} = x${r}.${lanes[j]};`)}`);
  return repeat(rows / 4, (q) => {
    const name = (i: number, j: number): string => `y${4 * q + i}_${j}`;
    if (!transposeA) return `let x${q} = aAlongK(a${q}, k4); ${repeat(4, (i) => `let z${q}_${i} = quadBroadcast(x${q}, ${i}u);`)} ${spread(name, (i, j) => `z${q}_${i}.${lanes[j]}`)}`;
    if (quad) return `let x${q} = aAcrossK(4u * k4 + lane, r4 + ${q}u); ${repeat(4, (j) => `let z${q}_${j} = quadBroadcast(x${q}, ${j}u);`)} ${spread(name, (i, j) => `z${q}_${j}.${lanes[i]}`)}`;
    return `${repeat(4, (j) => `let z${q}_${j} = aAcrossK(4u * k4 + ${j}u, r4 + ${q}u);`)} ${spread(name, (i, j) => `z${q}_${j}.${lanes[i]}`)}`;
  });
}

/** Defines `b<j>_<v>`: the values of b at k + j and the four columns of group v. */
function loadB({ columns }: RegisterTile, { transposeB }: ProductForm): string {
  const groups = columns / 4;
  if (!transposeB) return repeat(4, (j) => repeat(groups, (v) => `let b${j}_${v} = bAcrossK(4u * k4 + ${j}u, c${v});`));
  return (
    repeat(columns, (c) => `let w${c} = bAlongK(s${c}, k4);`) +
    repeat(4, (j) => repeat(groups, (v) => `let b${j}_${v} = vec4f(${[0, 1, 2, 3].map((i) => `w${4 * v + i}.${lanes[j]}`).join(', ')});`))
  );
}

function codeOf(tile: RegisterTile, form: ProductForm): string {
  const { rows, columns, workgroupColumns, workgroupRows, quad } = tile;
  const { transposeA, transposeB } = form;
  const groups = columns / 4;
  const sum = (r: number, v: number, i: number): string => `t${r}_${v}_${i}`;
  const accumulate = (r: number, v: number, i: number): string =>
    `${sum(r, v, i)} = ${[0, 1, 2, 3].reduce((inner, j) => `fma(y${r}_${j}, b${j}_${v}.${lanes[i]}, ${inner})`, sum(r, v, i))};`;
  const each = (line: (r: number, v: number, i: number) => string): string => repeat(rows, (r) => repeat(groups, (v) => repeat(4, (i) => line(r, v, i))));
  // Before the loop, because it does not depend on k: where each row of an operand that lies along k begins.
  const starts = `
  ${transposeA ? '' : repeat(quad ? rows / 4 : rows, (q) => `let a${q} = aStart(r0 + ${quad ? `${4 * q}u + lane` : `${q}u`}, params.M);`)}
  ${transposeB ? repeat(columns, (c) => `let s${c} = bStart(4u * c${Math.floor(c / 4)} + ${c % 4}u, params.N);`) : ''}`;
  return `${quad ? 'enable subgroups;' : ''}
${productFunctions(form)}
@compute @workgroup_size(${workgroupColumns}, ${workgroupRows})
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let lane = local.x & 3u;
  let r0 = (workgroup.y * ${workgroupRows}u + local.y) * ${rows}u;
  let r4 = r0 / 4u;
  ${repeat(groups, (v) => `let c${v} = workgroup.x * ${workgroupColumns * groups}u + ${v * workgroupColumns}u + local.x;`)}
  ${starts}
  ${each((r, v, i) => `var ${sum(r, v, i)} = 0.0;`)}
  let trips = (params.K + 3u) / 4u;
  for (var k4 = 0u; k4 < trips; k4++) {
    ${loadA(tile, form)}
    ${loadB(tile, form)}
    ${each(accumulate)}
  }
  ${repeat(rows, (r) => repeat(groups, (v) => `store(r0 + ${r}u, c${v}, vec4f(${[0, 1, 2, 3].map((i) => sum(r, v, i)).join(', ')}));`))}
}`;
}

export function registerTile(tile: RegisterTile): ProductTile {
  const { rows, columns, workgroupColumns, workgroupRows, quad } = tile;
  return {
    name: `${quad ? 'quad' : 'register'}${rows}x${columns}by${workgroupColumns}x${workgroupRows}`,
    depth: 4,
    code: (form) => codeOf(tile, form),
    workgroups: (M, N) => [Math.ceil(N / (columns * workgroupColumns)), Math.ceil(M / (rows * workgroupRows)), 1],
  };
}
