/** The SIMD kernels that RMSNorm and LayerNorm share; what they compute stands in norm.webgpu.ts. */
import type { HeapTensor, Simd } from '../simd/openSimd.ts';
import type { NormRows } from './norm.webgpu.ts';

export function runNorm(simd: Simd, t: { x: HeapTensor; weight: HeapTensor; bias?: HeapTensor | undefined; y: HeapTensor }, { rows, columns, eps, centered }: NormRows): void {
  simd.run('norm', simd.parallel(6 * rows * columns), rows, columns, Number(centered), eps, t.x.at, t.weight.at, t.bias?.at ?? 0, t.y.at);
}

export function runNormGrad(
  simd: Simd,
  t: { x: HeapTensor; weight: HeapTensor; gradY: HeapTensor; residualGrad?: HeapTensor | undefined; gradX: HeapTensor; stats: HeapTensor },
  { rows, columns, eps, centered }: NormRows,
): void {
  const addresses = [t.x.at, t.weight.at, t.gradY.at, t.residualGrad?.at ?? 0, t.gradX.at, t.stats.at];
  simd.run('normGrad', simd.parallel(14 * rows * columns), rows, columns, Number(centered), eps, ...addresses);
}

export function runNormGainGrad(
  simd: Simd,
  t: { x: HeapTensor; gradY: HeapTensor; stats: HeapTensor; gradWeight: HeapTensor; gradBias?: HeapTensor | undefined },
  { rows, columns }: NormRows,
): void {
  simd.run('normGainGrad', simd.parallel(5 * rows * columns), rows, columns, t.x.at, t.gradY.at, t.stats.at, t.gradWeight.at, t.gradBias?.at ?? 0);
}
