/** CPU twin of layerNorm: pure functions on flat arrays, rows of C values. */
import type { Floats } from '../floats.ts';

function statistics(x: Floats, base: number, C: number, eps: number): { mean: number; scale: number } {
  let sum = 0;
  for (let c = 0; c < C; c++) sum += x[base + c]!;
  const mean = sum / C;
  let squares = 0;
  for (let c = 0; c < C; c++) squares += (x[base + c]! - mean) ** 2;
  return { mean, scale: 1 / Math.sqrt(squares / C + eps) };
}

/** y = (x − mean) / sqrt(variance + eps) · weight + bias, row by row. x and y [N, C], weight and bias [C]. */
export function layerNormForward(x: Floats, weight: Floats, bias: Floats, y: Floats, C: number, eps: number): void {
  for (let base = 0; base < x.length; base += C) {
    const { mean, scale } = statistics(x, base, C, eps);
    for (let c = 0; c < C; c++) y[base + c] = (x[base + c]! - mean) * scale * weight[c]! + bias[c]!;
  }
}

/**
 * Gradients of layerNormForward: gradX [N, C] is overwritten, with residualGrad added where given; gradWeight and gradBias [C] are added to,
 * unless null.
 */
export function layerNormBackward(
  inputs: { x: Floats; weight: Floats; gradY: Floats; residualGrad: Floats | null },
  gradX: Floats,
  gradWeight: Floats | null,
  gradBias: Floats | null,
  C: number,
  eps: number,
): void {
  const { x, weight, gradY, residualGrad } = inputs;
  for (let base = 0; base < x.length; base += C) {
    const { mean, scale } = statistics(x, base, C, eps);
    let plain = 0;
    let along = 0;
    for (let c = 0; c < C; c++) {
      const g = gradY[base + c]!;
      const normalised = (x[base + c]! - mean) * scale;
      plain += g * weight[c]!;
      along += g * weight[c]! * normalised;
      if (gradWeight) gradWeight[c]! += g * normalised;
      if (gradBias) gradBias[c]! += g;
    }
    for (let c = 0; c < C; c++) {
      const towardsX = scale * (gradY[base + c]! * weight[c]! - plain / C - (x[base + c]! - mean) * scale * (along / C));
      gradX[base + c] = (residualGrad ? residualGrad[base + c]! : 0) + towardsX;
    }
  }
}
