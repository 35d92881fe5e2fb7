/**
 * A LoRA adapter beside a frozen LM (Hu et al. 2021): y = x Wᵀ + b + scaling · strength · (dropout(x) Aᵀ) Bᵀ for each layer that has one.
 * The base's tensors are shared, never copied. Not for the arithmetic (loraLayer.ts) nor for files (loader/peftAdapter.ts).
 */
import * as tf from '@tensorflow/tfjs-core';
import { Rng } from '../base/rng.ts';
import type { LmConfig } from '../config/lm.ts';
import type { LoraConfig } from '../config/lora.ts';
import { type LoraModule, loraModules, loraNames, type LoraProduct, targetedModules } from '../config/loraModules.ts';
import { type NamedValues, packSlab, type Place, type SlabLayout } from '../kernels/slabLayout.ts';
import { layOutSlices, type Slice } from '../kernels/slice.ts';
import type { LanguageModel, LayerParams, LoraAdapter, LoraLayer } from './params.ts';

/** Layers that are computed as one product. */
interface ProductModules {
  layer: number;
  product: LoraProduct;
  modules: LoraModule[];
}

function byProduct(modules: readonly LoraModule[]): ProductModules[] {
  const products: ProductModules[] = [];
  for (const module of modules) {
    const { layer, product } = module;
    const last = products.at(-1);
    if (last?.layer === layer && last.product === product) last.modules.push(module);
    else products.push({ layer, product, modules: [module] });
  }
  return products;
}

/** Where the matrices lie: all of them are matrices, so weight decay acts on the whole slab, as torch's AdamW does on PEFT's parameters. */
export function adapterLayout(modules: readonly LoraModule[], r: number): SlabLayout {
  const groups = byProduct(modules).flatMap(({ modules }) => [
    modules.map(({ path, inputs }): [string, number[]] => [loraNames(path).a, [r, inputs]]),
    ...modules.map(({ path, outputs }): [string, number[]][] => [[loraNames(path).b, [outputs, r]]]),
  ]);
  const countOf = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);
  const { offsets, size } = layOutSlices(groups.map((group) => [group.reduce((sum, [, shape]) => sum + countOf(shape), 0)]));
  const found = new Map<string, Place>();
  groups.forEach((group, i) => {
    let offset = offsets[i]!;
    for (const [name, shape] of group) {
      found.set(name, { offset, shape });
      offset += countOf(shape);
    }
  });
  const names = modules.flatMap(({ path }) => Object.values(loraNames(path)));
  return { places: new Map(names.map((name) => [name, found.get(name)!])), size, matrixSize: size };
}

/**
 * The matrices an adapter begins with: A uniform within ±1/√in (Kaiming with a = √5, as PEFT and nn.Linear), B zero, so that the LM is
 * still the base.
 * @returns by PEFT's names, owned by the caller
 * @throws EngineError bad-config for targets that the LM lacks
 */
export function initialAdapter(config: LmConfig, { r, targetModules }: LoraConfig, seed: number): Map<string, NamedValues> {
  const values = new Map<string, NamedValues>();
  const root = new Rng(seed).fork('lora');
  for (const { path, inputs, outputs } of targetedModules(config, targetModules)) {
    const { a, b } = loraNames(path);
    const rng = root.fork(path);
    const bound = 1 / Math.sqrt(inputs);
    values.set(a, { shape: [r, inputs], data: Float32Array.from({ length: r * inputs }, () => bound * (2 * rng.next() - 1)) });
    values.set(b, { shape: [outputs, r], data: new Float32Array(outputs * r) });
  }
  return values;
}

/** tfjs wants unique variable names. */
let created = 0;

/**
 * @param values by PEFT's names, rows of B in the LM's order; they say which layers have an adapter. Borrowed and copied
 * @returns owned by the caller, or by the LM it is put beside
 * @throws EngineError bad-argument, bad-shape if a matrix is missing or misshapen
 */
export function createAdapter(config: LmConfig, lora: LoraConfig, values: ReadonlyMap<string, NamedValues>, strength = 1): LoraAdapter {
  const layout = adapterLayout(loraModules(config).filter(({ path }) => values.has(loraNames(path).a) || values.has(loraNames(path).b)), lora.r);
  const packed = tf.tensor1d(packSlab(layout, values));
  const slab = tf.variable(packed, true, `adapter${++created}`);
  packed.dispose();
  return { config: lora, layout, slab, strength, dropoutSeed: null };
}

function loraLayers(config: LmConfig, { config: { r }, layout, slab }: LoraAdapter): Map<string, LoraLayer> {
  const modules = loraModules(config).filter(({ path }) => layout.places.has(loraNames(path).a));
  const place = (name: string): Slice => ({ slab, ...layout.places.get(name)! });
  return new Map(
    byProduct(modules).map(({ layer, product, modules }, index) => [
      `${layer} ${product}`,
      {
        index,
        a: { ...place(loraNames(modules[0]!.path).a), shape: [modules.length * r, modules[0]!.inputs] },
        parts: modules.map(({ path, from }) => ({ from, b: place(loraNames(path).b) })),
      },
    ]),
  );
}

/**
 * The LM with an adapter: what is trainable is the adapter alone.
 * @param base    borrowed for the life of the result; its tensors are shared
 * @param adapter consumed: disposed with the result, which leaves the base alone
 */
export function withAdapter(base: LanguageModel, adapter: LoraAdapter): LanguageModel {
  const found = loraLayers(base.config, adapter);
  const beside = <Product extends LoraProduct>(params: LayerParams, layer: number, product: Product): Pick<LayerParams, Product> => {
    const lora = found.get(`${layer} ${product}`);
    return { [product]: lora ? { ...params[product], lora } : params[product] } as Pick<LayerParams, Product>;
  };
  return {
    ...base,
    trainable: adapter,
    adapter,
    layers: base.layers.map((params, layer) => ({
      ...params,
      ...beside(params, layer, 'qkv'),
      ...beside(params, layer, 'attentionOutput'),
      ...beside(params, layer, 'mlpInput'),
      ...beside(params, layer, 'mlpOutput'),
    })),
    dispose: () => adapter.slab.dispose(),
  };
}

/** A view of the same LM that drops inputs of its adapter, if the adapter's settings say so. Shares everything with `lm`. @param seed of one micro-batch */
export function withDropout(lm: LanguageModel, seed: number): LanguageModel {
  const { adapter } = lm;
  return adapter && adapter.config.loraDropout > 0 ? { ...lm, adapter: { ...adapter, dropoutSeed: seed } } : lm;
}

/** What the adapter's product is multiplied with, strength aside: alpha / r, or alpha / √r with rsLoRA (Kalajdzievski 2023). */
export const loraScaling = ({ r, loraAlpha, useRslora }: LoraConfig): number => loraAlpha / (useRslora ? Math.sqrt(r) : r);
