/** The weights of an LM on the host, an adapter merged into them: W + scaling · strength · B A. For exports; generation and training keep them apart. */
import { loraModules, loraNames } from '../config/loraModules.ts';
import type { NamedValues } from '../kernels/slabLayout.ts';
import { loraScaling } from './adapter.ts';
import { readParameter } from './cloneLm.ts';
import { type LanguageModel, readParams } from './params.ts';

/** weight += scale · b a, in the layout of the LM. @param weight rewritten @param a [r, in] @param b [out, r] */
function addProduct(weight: Float32Array, a: NamedValues, b: NamedValues, scale: number, layout: LanguageModel['weightLayout']): void {
  const [r, inputs] = a.shape as [number, number];
  const [outputs] = b.shape as [number];
  for (let o = 0; o < outputs; o++)
    for (let k = 0; k < r; k++) {
      const factor = scale * b.data[o * r + k]!;
      if (factor === 0) continue;
      for (let i = 0; i < inputs; i++) {
        const at = layout === 'outIn' ? o * inputs + i : i * outputs + o;
        weight[at] = weight[at]! + factor * a.data[k * inputs + i]!;
      }
    }
}

/**
 * @param lm with or without an adapter, borrowed
 * @returns every parameter by Hugging Face name, decoded to float32, as the LM holds them; owned by the caller
 */
export async function readMerged(lm: LanguageModel): Promise<Map<string, NamedValues>> {
  const values = new Map<string, NamedValues>();
  for (const [name, parameter] of lm.parameters) values.set(name, { shape: [...parameter.shape], data: Float32Array.from(await readParameter(parameter)) });
  const { adapter } = lm;
  if (!adapter) return values;
  const matrices = await readParams(lm);
  const scale = loraScaling(adapter.config) * adapter.strength;
  for (const { path, weight } of loraModules(lm.config)) {
    const { a, b } = loraNames(path);
    const [valuesA, valuesB] = [matrices.get(a), matrices.get(b)];
    if (valuesA && valuesB) addProduct(values.get(weight)!.data, valuesA, valuesB, scale, lm.weightLayout);
  }
  return values;
}
