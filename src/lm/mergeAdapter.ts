/**
 * The weights of an LM on their way out, an adapter merged into them: W + scaling · strength · B A, one piece after the other. For exports;
 * generation and training keep base and adapter apart, so that nothing ever has to be unmerged there.
 */
import { loraModules, loraNames } from '../config/loraModules.ts';
import { storedAs, toStoredForm } from '../config/storedForm.ts';
import type { NamedValues } from '../kernels/slabLayout.ts';
import { loraScaling } from './adapter.ts';
import { readParameter } from './cloneLm.ts';
import { type LanguageModel, readParams } from './params.ts';

/** Values of a large matrix that are on the host at once: 32 MB. */
const VALUES_AT_ONCE = 2 ** 23;

/** weight += scale · b a, in the layout of the LM; with −scale the inverse, but for rounding. @param weight rewritten @param a [r, in] @param b [out, r] */
export function addProduct(weight: Float32Array, a: NamedValues, b: NamedValues, scale: number, layout: LanguageModel['weightLayout']): void {
  const [r, inputs] = a.shape as [number, number];
  const [outputs] = b.shape as [number];
  const [along, across] = layout === 'outIn' ? [1, inputs] : [outputs, 1];
  for (let o = 0; o < outputs; o++)
    for (let k = 0; k < r; k++) {
      const factor = scale * b.data[o * r + k]!;
      if (factor === 0) continue;
      for (let i = 0; i < inputs; i++) weight[o * across + i * along]! += factor * a.data[k * inputs + i]!;
    }
}

/** One parameter as it is written. */
export interface MergedParameter {
  shape: readonly number[];
  /** Its values in float32, as a file holds them (storedForm.ts): in order, from the device when they are asked for. Can be asked for again. */
  pieces(): AsyncGenerator<Float32Array>;
}

/**
 * @param lm with or without an adapter, borrowed for the life of the result
 * @returns every parameter by Hugging Face name
 */
export async function mergedParameters(lm: LanguageModel): Promise<Map<string, MergedParameter>> {
  const { adapter, config } = lm;
  const scale = adapter ? loraScaling(adapter.config) * adapter.strength : 0;
  const matrices = adapter && scale !== 0 ? await readParams(lm) : new Map<string, NamedValues>();
  const products = new Map(
    loraModules(config).flatMap(({ path, weight }) => {
      const [a, b] = [matrices.get(loraNames(path).a), matrices.get(loraNames(path).b)];
      return a && b ? [[weight, { a, b }] as const] : [];
    }),
  );
  return new Map(
    [...lm.parameters].map(([name, parameter]) => [
      name,
      {
        shape: parameter.shape,
        async *pieces() {
          const product = products.get(name);
          const rows = parameter.shape[0]!;
          const width = parameter.shape.slice(1).reduce((size, n) => size * n, 1);
          // What is merged or stored in another order is a layer's matrix; what is large is a table of rows.
          const rowsAtOnce = product || storedAs(config, name) !== 'plain' ? rows : Math.max(1, Math.floor(VALUES_AT_ONCE / width));
          for (let row = 0; row < rows; row += rowsAtOnce) {
            const count = Math.min(rowsAtOnce, rows - row);
            let values = await readParameter({ ...parameter, offset: parameter.offset + row * width, shape: [count, ...parameter.shape.slice(1)] });
            if (product) {
              values = values.slice();
              addProduct(values, product.a, product.b, scale, lm.weightLayout);
            }
            yield toStoredForm(config, name, values);
          }
        },
      },
    ]),
  );
}
