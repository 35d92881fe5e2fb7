/**
 * Products by tiles in workgroup memory, for GPUs: a workgroup copies a block of a and of b, 32 k deep, then each invocation multiplies
 * 4 × 4 of the result out of it with two vector reads for sixteen multiply-adds.
 */
import { type ProductForm, type ProductTile, productFunctions, repeat } from './product.webgpu.ts';

const depth = 32;
const lanes = 'xyzw';

/** Copies the block of four rows `rows4` and four k `k4`, both counted in fours within the tile, into `to`, which lies across k. */
function copy(name: 'a' | 'b', along: boolean, side: number): string {
  const to = `${name}Tile`;
  const count = name === 'a' ? 'params.M' : 'params.N';
  const first = name === 'a' ? 'workgroup.y' : 'workgroup.x';
  const at = (j: number): string => `${to}[(4u * k4 + ${j}u) * ${side / 4}u + rows4]`;
  const group = `${first} * ${side / 4}u + rows4`;
  if (!along) return repeat(4, (j) => `${at(j)} = ${name}AcrossK(k + 4u * k4 + ${j}u, ${group});`);
  return `${repeat(4, (i) => `let v${i} = ${name}AlongK(${name}Start(4u * (${group}) + ${i}u, ${count}), k / 4u + k4);`)}
    ${repeat(4, (j) => `${at(j)} = vec4f(${[0, 1, 2, 3].map((i) => `v${i}.${lanes[j]}`).join(', ')});`)}`;
}

function codeOf(side: number, form: ProductForm): string {
  const threads = side / 4;
  const invocations = threads * threads;
  const blocks = threads * (depth / 4);
  // Neighbouring invocations copy neighbours in memory.
  const place = (along: boolean): string => (along ? `let k4 = block % ${depth / 4}u; let rows4 = block / ${depth / 4}u;` : `let rows4 = block % ${threads}u; let k4 = block / ${threads}u;`);
  const part = (name: 'a' | 'b', along: boolean, condition: string, first: number): string => `${condition} { let block = index - ${first}u; ${place(along)}
    ${copy(name, along, side)} }`;
  const shared = invocations === blocks;
  return `
${productFunctions(form)}
var<workgroup> aTile: array<vec4f, ${depth * threads}>;
var<workgroup> bTile: array<vec4f, ${depth * threads}>;
@compute @workgroup_size(${threads}, ${threads})
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_id) local: vec3u, @builtin(local_invocation_index) index: u32) {
  ${repeat(4, (i) => `var t${i} = vec4f(0.0);`)}
  for (var k = 0u; k < params.K; k += ${depth}u) {
    ${part('a', !form.transposeA, shared ? '' : `if (index < ${blocks}u)`, 0)}
    ${part('b', form.transposeB, shared ? '' : 'else', shared ? 0 : blocks)}
    workgroupBarrier();
    for (var j = 0u; j < ${depth}u; j++) {
      let x = aTile[j * ${threads}u + local.y];
      let y = bTile[j * ${threads}u + local.x];
      ${repeat(4, (i) => `t${i} = fma(vec4f(x.${lanes[i]}), y, t${i});`)}
    }
    workgroupBarrier();
  }
  let row = (workgroup.y * ${threads}u + local.y) * 4u;
  ${repeat(4, (i) => `store(row + ${i}u, workgroup.x * ${threads}u + local.x, t${i});`)}
}`;
}

/** @param side 64 (256 invocations, 16 KiB of workgroup memory) or 32 (64 invocations, 8 KiB) */
export function sharedTile(side: 32 | 64): ProductTile {
  return {
    name: `shared${side}`,
    depth,
    code: (form) => codeOf(side, form),
    workgroups: (M, N) => [Math.ceil(N / side), Math.ceil(M / side), 1],
  };
}
