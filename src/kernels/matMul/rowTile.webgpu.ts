/**
 * Products of a few rows, as in decoding: each workgroup owns 32 columns, reads their weights once and in order, eight invocations sharing
 * each column's k, and adds up the eight parts at the end. For a that is not transposed.
 */
import { type ProductForm, type ProductTile, productFunctions, repeat } from './product.webgpu.ts';

const splits = 8;
const columns = 32;
const lanes = 'xyzw';
/** Invocations of a workgroup in the undivided version. */
const undividedGroups = 16;
const range4 = (line: (c: number) => string): string => repeat(4, line);

function codeOf(rows: number, form: ProductForm): string {
  // Neighbouring invocations take neighbouring k where b lies along k, neighbouring columns where it lies across.
  const [split, group] = form.transposeB ? ['local.x', 'local.y'] : ['local.y', 'local.x'];
  const loadA = repeat(rows, (r) => `let x${r} = aAlongK(a${r}, k4);`);
  const trip = form.transposeB
    ? repeat(4, (c) => `let w${c} = bAlongK(s${c}, k4);`) + repeat(rows, (r) => `t${r} += vec4f(${[0, 1, 2, 3].map((c) => `dot(x${r}, w${c})`).join(', ')});`)
    : repeat(4, (j) => `let w${j} = bAcrossK(4u * k4 + ${j}u, group);`) + repeat(rows, (r) => `t${r} = ${[0, 1, 2, 3].reduce((inner, j) => `fma(vec4f(x${r}.${lanes[j]}), w${j}, ${inner})`, `t${r}`)};`);
  return `
${productFunctions(form)}
var<workgroup> parts: array<vec4f, ${(splits * rows * columns) / 4}>;
@compute @workgroup_size(8, 8)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_id) local: vec3u, @builtin(local_invocation_index) index: u32) {
  let group = workgroup.x * ${columns / 4}u + ${group};
  ${repeat(rows, (r) => `let a${r} = aStart(${r}u, params.M);`)}
  ${form.transposeB ? repeat(4, (c) => `let s${c} = bStart(4u * group + ${c}u, params.N);`) : ''}
  ${repeat(rows, (r) => `var t${r} = vec4f(0.0);`)}
  let trips = (params.K + 3u) / 4u;
  for (var k4 = ${split}; k4 < trips; k4 += ${splits}u) {
    ${loadA}
    ${trip}
  }
  ${repeat(rows, (r) => `parts[(${split} * ${rows}u + ${r}u) * ${columns / 4}u + ${group}] = t${r};`)}
  workgroupBarrier();
  let r = index / ${columns / 4}u;
  let g = index % ${columns / 4}u;
  if (r < ${rows}u) {
    var sum = parts[r * ${columns / 4}u + g];
    ${repeat(splits - 1, (s) => `sum += parts[(${(s + 1) * rows}u + r) * ${columns / 4}u + g];`)}
    store(r, workgroup.x * ${columns / 4}u + g, sum);
  }
}`;
}

/** Without sharing: an invocation owns four columns and all of their k, so that there is no barrier. */
function undividedCode(rows: number, form: ProductForm): string {
  const trip = form.transposeB
    ? repeat(4, (c) => `let w${c} = bAlongK(s${c}, k4);`) + repeat(rows, (r) => range4((c) => `t${r}_${c} = fma(x${r}, w${c}, t${r}_${c});`))
    : repeat(4, (j) => `let w${j} = bAcrossK(4u * k4 + ${j}u, group);`) + repeat(rows, (r) => `t${r} = ${[0, 1, 2, 3].reduce((inner, j) => `fma(vec4f(x${r}.${lanes[j]}), w${j}, ${inner})`, `t${r}`)};`);
  return `
${productFunctions(form)}
@compute @workgroup_size(${undividedGroups})
fn main(@builtin(global_invocation_id) id: vec3u) {
  let group = id.x;
  if (4u * group >= params.N) { return; }
  ${repeat(rows, (r) => `let a${r} = aStart(${r}u, params.M);`)}
  ${form.transposeB ? repeat(4, (c) => `let s${c} = bStart(4u * group + ${c}u, params.N);`) : ''}
  ${repeat(rows, (r) => (form.transposeB ? range4((c) => `var t${r}_${c} = vec4f(0.0);`) : `var t${r} = vec4f(0.0);`))}
  let trips = (params.K + 3u) / 4u;
  for (var k4 = 0u; k4 < trips; k4++) {
    ${repeat(rows, (r) => `let x${r} = aAlongK(a${r}, k4);`)}
    ${trip}
  }
  ${repeat(rows, (r) => `store(${r}u, group, ${form.transposeB ? `vec4f(${[0, 1, 2, 3].map((c) => `dot(t${r}_${c}, vec4f(1.0))`).join(', ')})` : `t${r}`});`)}
}`;
}

/** For software adapters, where barriers cost more than the product. @param rows 1, 2, 4 or 8: at least M */
export function undividedRowTile(rows: number): ProductTile {
  return { name: `undividedRows${rows}`, depth: 4, code: (form) => undividedCode(rows, form), workgroups: (_M, N) => [Math.ceil(N / 4 / undividedGroups), 1, 1] };
}

/** @param rows 1, 2, 4 or 8: at least M */
export function rowTile(rows: number): ProductTile {
  return { name: `rows${rows}`, depth: 4, code: (form) => codeOf(rows, form), workgroups: (_M, N) => [Math.ceil(N / columns), 1, 1] };
}
