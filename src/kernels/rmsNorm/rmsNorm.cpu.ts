/** CPU twin of rmsNorm: pure functions on flat arrays, rows of C values. */
import type { Floats } from '../floats.ts';

function inverseRms(x: Floats, base: number, C: number, eps: number): number {
  let sum = 0;
  for (let c = 0; c < C; c++) {
    const v = x[base + c]!;
    sum += v * v;
  }
  return 1 / Math.sqrt(sum / C + eps);
}

/** y = x / sqrt(mean(x²) + eps) · weight, row by row. x and y [N, C], weight [C]. */
export function rmsNormForward(x: Floats, weight: Floats, y: Floats, C: number, eps: number): void {
  for (let base = 0; base < x.length; base += C) {
    const scale = inverseRms(x, base, C, eps);
    for (let c = 0; c < C; c++) y[base + c] = x[base + c]! * scale * weight[c]!;
  }
}

/**
 * Gradients of rmsNormForward: gradX [N, C] is overwritten, with residualGrad added where given; gradWeight [C] is added to, unless null.
 */
export function rmsNormBackward(x: Floats, weight: Floats, gradY: Floats, residualGrad: Floats | null, gradX: Floats, gradWeight: Floats | null, C: number, eps: number): void {
  for (let base = 0; base < x.length; base += C) {
    const scale = inverseRms(x, base, C, eps);
    let dot = 0;
    for (let c = 0; c < C; c++) {
      const g = gradY[base + c]!;
      const v = x[base + c]!;
      dot += g * weight[c]! * v;
      if (gradWeight) gradWeight[c]! += g * v * scale;
    }
    const pull = (dot * scale * scale * scale) / C;
    for (let c = 0; c < C; c++) gradX[base + c] = (residualGrad ? residualGrad[base + c]! : 0) + gradY[base + c]! * weight[c]! * scale - x[base + c]! * pull;
  }
}
