import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loraModules, loraNames } from '../config/loraModules.ts';
import { fromStoredForm } from '../config/storedForm.ts';
import type { OpenedBackend } from '../device/openDevice.ts';
import { openTestBackend } from '../testing/backend.ts';
import { type PeftReference, peftReferenceNames, readPeftReference } from '../testing/peftReference.ts';
import { createAdapter, loraScaling, withAdapter } from './adapter.ts';
import { readParameter } from './cloneLm.ts';
import { addProduct, mergedParameters } from './mergeAdapter.ts';
import { createLm, type LanguageModel } from './params.ts';
import { readLogits } from './readLogits.ts';

const largestDifference = (actual: ArrayLike<number>, expected: ArrayLike<number>): number => Array.from(expected, (value, i) => Math.abs(value - actual[i]!)).reduce((a, b) => (a >= b ? a : b), 0);

/** All parameters as the LM holds them. */
async function collect(lm: LanguageModel): Promise<Map<string, { shape: number[]; data: Float32Array }>> {
  const values = new Map<string, { shape: number[]; data: Float32Array }>();
  for (const [name, { shape, pieces }] of await mergedParameters(lm)) {
    const parts: number[] = [];
    for await (const piece of pieces()) parts.push(...piece);
    values.set(name, { shape: [...shape], data: fromStoredForm(lm.config, name, Float32Array.from(parts)) });
  }
  return values;
}

describe.each(peftReferenceNames)('an adapter merged into %s', (name) => {
  let opened: OpenedBackend;
  let reference: PeftReference;
  let base: LanguageModel;
  beforeAll(async () => {
    opened = await openTestBackend('wasm');
    reference = await readPeftReference(name);
    base = await reference.loadBase(false);
  });
  afterAll(async () => {
    base.dispose();
    await opened.close();
  });
  const tuned = (strength: number): LanguageModel => withAdapter(base, createAdapter(reference.config, reference.adapter.config, reference.adapter.tensors, strength));

  it('gives the logits of peft, and those of the adapter at any strength', async () => {
    for (const strength of [1, 0.5, 1.5]) {
      const lm = tuned(strength);
      const merged = createLm(reference.config, await collect(lm));
      const [apart, together] = [await readLogits(lm, reference.inputIds), await readLogits(merged, reference.inputIds)];
      reference.logits.forEach((expected, i) => {
        if (strength === 1) expect(largestDifference(together[i]!, expected)).toBeLessThan(1e-4);
        expect(largestDifference(together[i]!, apart[i]!)).toBeLessThan(1e-4);
      });
      lm.dispose();
      merged.dispose();
    }
  });

  it('comes off again: unmerged weights are those of the base but for one rounding, and at strength 0 they are the very same', async () => {
    const lm = tuned(1);
    const none = tuned(0);
    const [merged, atZero] = [await collect(lm), await collect(none)];
    const { config, tensors } = reference.adapter;
    let changed = 0;
    for (const [parameter, slice] of base.parameters) {
      const original = (await readParameter(slice)).slice();
      // Gemma's files hold gains less one, which rounds.
      expect(largestDifference(atZero.get(parameter)!.data, original)).toBeLessThanOrEqual(original.length === 0 || slice.shape.length > 1 ? 0 : 1.2e-7);
      const values = merged.get(parameter)!.data;
      const module = loraModules(reference.config).find(({ path, weight }) => weight === parameter && tensors.has(loraNames(path).a));
      if (!module) continue;
      changed += largestDifference(values, original);
      const { a, b } = loraNames(module.path);
      addProduct(values, tensors.get(a)!, tensors.get(b)!, -loraScaling(config), reference.config.weightLayout);
      expect(largestDifference(values, original), parameter).toBeLessThan(2e-6);
    }
    expect(changed).toBeGreaterThan(0.1);
    lm.dispose();
    none.dispose();
  });
});
