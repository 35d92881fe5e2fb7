/** WGSL of the training objective over token scores: one workgroup does it all, one invocation a row, as scores are few. Formulas as in the twin. */
import type * as tf from '@tensorflow/tfjs-core';
import type { Attributes, KernelTensor } from '../kernelSpec.ts';
import type { WgslBinding, WgslProgram } from '../runWgsl.ts';
import { negligibleLogWeight } from './semanticObjective.cpu.ts';

const size = 64;

/** Inputs that there may be; gradients lie in one tensor at the offsets that the attributes give. */
type Scores = Partial<Record<'benign' | 'logProbs' | 'distance' | 'kl' | 'baseLogProbs' | 'rowOffsets', KernelTensor>>;

const number = (name: string, value: unknown): WgslProgram['uniforms'][number] => ({ name, type: 'f32', value: value as number });
const count = (name: string, value: unknown): WgslProgram['uniforms'][number] => ({ name, type: 'u32', value: value as number });

function unsafeCode(weighting: string, anchored: boolean): string {
  const importance = weighting === 'importance';
  return `
  for (var row = local; row < params.rows; row += ${size}u) {
    let start = rowOffsets[row];
    let end = rowOffsets[row + 1u];
    var sum = 0.0;
    for (var t = start; t < end; t++) {
      let weight = ${weighting === 'none' ? '1.0' : `select(exp(min(params.clampAt, sum)), 0.0, sum < ${negligibleLogWeight}.0)`};
      let value = ${importance ? '1.0 ' : ''}-distance[t];
      sums[1] += weight * value;
      sums[3] += distance[t];
      sums[4] += weight;
      gradients[params.distanceAt + u32(t)] = -params.factor * weight;
      ${
        anchored
          ? `let anchorWeight = min(1.0, weight);
      sums[2] += anchorWeight * kl[t];
      gradients[params.klAt + u32(t)] = params.klFactor * anchorWeight;`
          : ''
      }
      gradients[params.logProbsAt + u32(t)] = ${importance ? 'select(0.0, params.factor * weight * value, sum <= params.clampAt)' : '0.0'};
      sum += logProbs[t]${importance ? ' - baseLogProbs[t]' : ''};
    }
    ${
      importance
        ? `var suffix = 0.0;
    for (var t = end - 1; t >= start; t--) {
      let pull = gradients[params.logProbsAt + u32(t)];
      gradients[params.logProbsAt + u32(t)] = suffix;
      suffix += pull;
    }`
        : ''
    }
  }`;
}

export function semanticObjectiveWgsl(inputs: Scores, attributes: Attributes, [gradients, terms]: tf.TensorInfo[]): WgslProgram[] {
  const { lambda, klBeta, clamp, weighting, logProbsAt, distanceAt, klAt } = attributes;
  const { benign, logProbs, distance, kl, baseLogProbs, rowOffsets } = inputs;
  const n = logProbs ? logProbs.shape[0]! : 1;
  const optional = (name: string, tensor: KernelTensor | undefined, element: WgslBinding['element'] = 'f32'): WgslBinding[] => (tensor ? [{ name, tensor, element, access: 'read' }] : []);
  return [
    {
      key: `SemanticObjective:${Boolean(benign)}:${logProbs ? String(weighting) : 'no unsafe'}:${Boolean(kl)}`,
      bindings: [
        ...optional('benign', benign),
        ...optional('logProbs', logProbs),
        ...optional('distance', distance),
        ...optional('kl', kl),
        ...optional('baseLogProbs', baseLogProbs),
        ...optional('rowOffsets', rowOffsets, 'i32'),
        { name: 'gradients', tensor: gradients!, element: 'f32', access: 'read_write' },
        { name: 'terms', tensor: terms!, element: 'f32', access: 'read_write' },
      ],
      uniforms: [
        count('benignCount', benign ? benign.shape[0]! : 0),
        count('rows', rowOffsets ? rowOffsets.shape[0]! - 1 : 0),
        count('logProbsAt', logProbsAt),
        count('distanceAt', distanceAt),
        count('klAt', klAt),
        number('factor', (lambda as number) / n),
        number('klFactor', ((lambda as number) * (klBeta as number)) / n),
        number('perBenign', benign ? 1 / benign.shape[0]! : 0),
        number('perUnsafe', logProbs ? 1 / n : 0),
        number('clampAt', clamp),
      ],
      code: () => `var<workgroup> scratch: array<array<f32, 5>, ${size}>;
@compute @workgroup_size(${size})
fn main(@builtin(local_invocation_index) local: u32) {
  // benign, semantic, kl, distance, weight
  var sums = array<f32, 5>(0.0, 0.0, 0.0, 0.0, 0.0);
  ${
    benign
      ? `for (var t = local; t < params.benignCount; t += ${size}u) {
    sums[0] -= benign[t];
    gradients[t] = -params.perBenign;
  }`
      : ''
  }
  ${logProbs ? unsafeCode(String(weighting), Boolean(kl)) : ''}
  scratch[local] = sums;
  for (var half = ${size / 2}u; half > 0u; half >>= 1u) {
    workgroupBarrier();
    if (local < half) { for (var k = 0u; k < 5u; k++) { scratch[local][k] += scratch[local + half][k]; } }
  }
  if (local == 0u) {
    let benignTerm = params.perBenign * scratch[0][0];
    let semanticTerm = params.factor * scratch[0][1];
    let klTerm = params.klFactor * scratch[0][2];
    terms[0] = benignTerm + semanticTerm + klTerm;
    terms[1] = benignTerm;
    terms[2] = semanticTerm;
    terms[3] = klTerm;
    terms[4] = params.perUnsafe * scratch[0][3];
    terms[5] = params.perUnsafe * scratch[0][4];
  }
}`,
      workgroups: [1, 1, 1],
    },
  ];
}
