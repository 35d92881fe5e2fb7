/**
 * WGSL of causal attention: one invocation a query (forward, gradQ) or a key slot (gradK, gradV), online softmax, accumulators in
 * registers, no barriers. K is baked into the code and the key, because the accumulators are named variables.
 */
import type * as tf from '@tensorflow/tfjs-core';
import { countUniform, lineMain, lineWorkgroups, type WgslBinding, type WgslProgram } from '../runWgsl.ts';
import type { AttentionSizes } from './attention.cpu.ts';

const repeat = (n: number, line: (i: number) => string): string => Array.from({ length: n }, (_, i) => line(i)).join('\n  ');

/** Reads heads as vec4 where the head size allows it. `parts` is the number of elements a head is cut into. */
function layoutOf(K: number): { element: 'f32' | 'vec4f'; parts: number; zero: string; dot: (terms: string[]) => string } {
  const vector = K % 4 === 0;
  return {
    element: vector ? 'vec4f' : 'f32',
    parts: vector ? K / 4 : K,
    zero: vector ? 'vec4f(0.0)' : '0.0',
    dot: (terms) => terms.map((t) => (vector ? `dot(${t})` : t.replace(', ', ' * '))).join(' + '),
  };
}

const sizeUniforms = (sizes: AttentionSizes, count: number): WgslProgram['uniforms'] => [
  countUniform(count),
  { name: 'T', type: 'i32', value: sizes.T },
  { name: 'S', type: 'i32', value: sizes.S },
  { name: 'H', type: 'i32', value: sizes.H },
  { name: 'G', type: 'i32', value: sizes.G },
  { name: 'past', type: 'i32', value: sizes.pastLength },
  { name: 'scale', type: 'f32', value: 1 / Math.sqrt(sizes.K) },
];

const storage = (name: string, tensor: tf.TensorInfo, element: WgslBinding['element'], access: WgslBinding['access'] = 'read'): WgslBinding => ({ name, tensor, element, access });

/** Unpacks the invocation index into (b, t, h) of a query and finds its slots first..last. */
const queryIndices = (parts: number): string => `
  let h = i32(i) % params.H;
  let t = (i32(i) / params.H) % params.T;
  let b = i32(i) / (params.H * params.T);
  let first = max(0, start[b]);
  let last = min(params.S - 1, params.past + t);
  let row = i32(i) * ${parts};
  let keyBase = (b * params.S * params.G + (h * params.G) / params.H) * ${parts};
  let keyStride = params.G * ${parts};
  let lseIndex = (b * params.H + h) * params.T + t;`;

export interface AttentionTensors {
  q: tf.TensorInfo;
  k: tf.TensorInfo;
  v: tf.TensorInfo;
  start: tf.TensorInfo;
}

export function attentionProgram(inputs: AttentionTensors, out: tf.TensorInfo, logSumExp: tf.TensorInfo, sizes: AttentionSizes): WgslProgram {
  const { element, parts, zero, dot } = layoutOf(sizes.K);
  const count = sizes.B * sizes.T * sizes.H;
  return {
    key: `attention_${sizes.K}`,
    bindings: [
      storage('q', inputs.q, element),
      storage('k', inputs.k, element),
      storage('v', inputs.v, element),
      storage('start', inputs.start, 'i32'),
      storage('out', out, element, 'read_write'),
      storage('logSumExp', logSumExp, 'f32', 'read_write'),
    ],
    uniforms: sizeUniforms(sizes, count),
    code: () => `${lineMain}${queryIndices(parts)}
  ${repeat(parts, (j) => `let q${j} = q[row + ${j}]; var a${j} = ${zero};`)}
  var highest = -1.0e30;
  var sum = 0.0;
  for (var s = first; s <= last; s++) {
    let slot = keyBase + s * keyStride;
    let score = (${dot(Array.from({ length: parts }, (_, j) => `q${j}, k[slot + ${j}]`))}) * params.scale;
    let top = max(highest, score);
    let fade = exp(highest - top);
    let p = exp(score - top);
    highest = top;
    sum = sum * fade + p;
    ${repeat(parts, (j) => `a${j} = a${j} * fade + p * v[slot + ${j}];`)}
  }
  let some = sum > 0.0;
  let inverse = select(0.0, 1.0 / max(sum, 1.0e-30), some);
  ${repeat(parts, (j) => `out[row + ${j}] = a${j} * inverse;`)}
  logSumExp[lseIndex] = select(0.0, highest + log(max(sum, 1.0e-30)), some);
}`,
    workgroups: lineWorkgroups(count),
  };
}

/** `stats` [2, B, H, T] is scratch: Σ gradOut · out of each query, then logSumExp; together they save a binding (8 is what every device offers). */
export function attentionGradPrograms(
  inputs: AttentionTensors,
  saved: { out: tf.TensorInfo; logSumExp: tf.TensorInfo; gradOut: tf.TensorInfo },
  results: { gradQ: tf.TensorInfo; gradK: tf.TensorInfo; gradV: tf.TensorInfo; stats: tf.TensorInfo },
  sizes: AttentionSizes,
): WgslProgram[] {
  const { element, parts, zero, dot } = layoutOf(sizes.K);
  const terms = (left: (j: number) => string, right: (j: number) => string): string => dot(Array.from({ length: parts }, (_, j) => `${left(j)}, ${right(j)}`));
  const queries = sizes.B * sizes.T * sizes.H;
  const slots = sizes.B * sizes.S * sizes.G;
  return [
    {
      key: `attentionGradQ_${sizes.K}`,
      bindings: [
        storage('q', inputs.q, element),
        storage('k', inputs.k, element),
        storage('v', inputs.v, element),
        storage('start', inputs.start, 'i32'),
        storage('o', saved.out, element),
        storage('logSumExp', saved.logSumExp, 'f32'),
        storage('gradOut', saved.gradOut, element),
        storage('gradQ', results.gradQ, element, 'read_write'),
      ],
      uniforms: sizeUniforms(sizes, queries),
      code: () => `${lineMain}${queryIndices(parts)}
  ${repeat(parts, (j) => `let q${j} = q[row + ${j}]; let d${j} = gradOut[row + ${j}]; var a${j} = ${zero};`)}
  let mean = ${terms((j) => `d${j}`, (j) => `o[row + ${j}]`)};
  for (var s = first; s <= last; s++) {
    let slot = keyBase + s * keyStride;
    let p = exp((${terms((j) => `q${j}`, (j) => `k[slot + ${j}]`)}) * params.scale - logSumExp[lseIndex]);
    let g = p * ((${terms((j) => `d${j}`, (j) => `v[slot + ${j}]`)}) - mean) * params.scale;
    ${repeat(parts, (j) => `a${j} = a${j} + g * k[slot + ${j}];`)}
  }
  ${repeat(parts, (j) => `gradQ[row + ${j}] = a${j};`)}
}`,
      workgroups: lineWorkgroups(queries),
    },
    {
      key: `attentionStats_${sizes.K}`,
      bindings: [
        storage('o', saved.out, element),
        storage('gradOut', saved.gradOut, element),
        storage('logSumExp', saved.logSumExp, 'f32'),
        storage('stats', results.stats, 'f32', 'read_write'),
      ],
      uniforms: sizeUniforms(sizes, queries),
      code: () => `${lineMain}
  let h = i32(i) % params.H;
  let t = (i32(i) / params.H) % params.T;
  let b = i32(i) / (params.H * params.T);
  let row = i32(i) * ${parts};
  let lseIndex = (b * params.H + h) * params.T + t;
  stats[lseIndex] = ${terms((j) => `gradOut[row + ${j}]`, (j) => `o[row + ${j}]`)};
  stats[params.count + u32(lseIndex)] = logSumExp[lseIndex];
}`,
      workgroups: lineWorkgroups(queries),
    },
    {
      key: `attentionGradKV_${sizes.K}`,
      bindings: [
        storage('q', inputs.q, element),
        storage('k', inputs.k, element),
        storage('v', inputs.v, element),
        storage('start', inputs.start, 'i32'),
        storage('stats', results.stats, 'f32'),
        storage('gradOut', saved.gradOut, element),
        storage('gradK', results.gradK, element, 'read_write'),
        storage('gradV', results.gradV, element, 'read_write'),
      ],
      uniforms: [...sizeUniforms(sizes, slots), { name: 'queries', type: 'i32', value: queries }],
      code: () => `${lineMain}
  let group = i32(i) % params.G;
  let s = (i32(i) / params.G) % params.S;
  let b = i32(i) / (params.G * params.S);
  let slot = i32(i) * ${parts};
  ${repeat(parts, (j) => `let k${j} = k[slot + ${j}]; let v${j} = v[slot + ${j}]; var x${j} = ${zero}; var y${j} = ${zero};`)}
  for (var h = 0; h < params.H; h++) {
    if (s < start[b] || (h * params.G) / params.H != group) { continue; }
    for (var t = max(0, s - params.past); t < params.T; t++) {
      let lseIndex = (b * params.H + h) * params.T + t;
      let row = ((b * params.T + t) * params.H + h) * ${parts};
      let p = exp((${terms((j) => `k${j}`, (j) => `q[row + ${j}]`)}) * params.scale - stats[params.queries + lseIndex]);
      let g = p * ((${terms((j) => `v${j}`, (j) => `gradOut[row + ${j}]`)}) - stats[lseIndex]) * params.scale;
      ${repeat(parts, (j) => `x${j} = x${j} + g * q[row + ${j}]; y${j} = y${j} + p * gradOut[row + ${j}];`)}
    }
  }
  ${repeat(parts, (j) => `gradK[slot + ${j}] = x${j}; gradV[slot + ${j}] = y${j};`)}
}`,
      workgroups: lineWorkgroups(slots),
    },
  ];
}
