/**
 * Where each parameter lies in the LM's slab. Matrices come first, then the vectors (norms, biases), because weight decay acts on the former
 * only; parameters that one product uses (q, k, v; gate, up) stand without a gap, as one matrix.
 */
import type { LmConfig } from '../config/lm.ts';
import { type LinearNames, type NormNames, parameterNames, parameterShapes } from '../config/lmParameters.ts';
import type { Place, SlabLayout } from '../kernels/slabLayout.ts';
import { layOutSlices } from '../kernels/slice.ts';

const sizeOf = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

/** Names of parameters, grouped as they stand together. */
export interface ParameterGroups {
  matrices: string[][];
  vectors: string[][];
}

/** Which parameters one product uses together, and which are vectors. */
export function parameterGroups(config: LmConfig): ParameterGroups {
  const names = parameterNames(config);
  const linears = names.layers.flatMap((layer): LinearNames[] => [layer.qkv, layer.attentionOutput, layer.mlpInput, layer.mlpOutput]);
  const norms = names.layers.flatMap(({ attentionNorm, queryNorm, keyNorm, postAttentionNorm, mlpNorm, postMlpNorm }) => [attentionNorm, queryNorm, keyNorm, postAttentionNorm, mlpNorm, postMlpNorm]);
  const there = [...norms, names.finalNorm].filter((norm): norm is NormNames => norm !== null);
  const single = (name: string | null): string[][] => (name === null ? [] : [[name]]);
  return {
    matrices: [[names.embedding], ...single(names.positions), ...linears.map(({ weights }) => weights), ...(names.head === names.embedding ? [] : [[names.head]])],
    vectors: [...there.flatMap(({ gain, bias }) => [[gain], ...single(bias)]), ...linears.filter(({ biases }) => biases.length > 0).map(({ biases }) => biases)],
  };
}

/** Of a whole LM in one slab. */
export function parameterLayout(config: LmConfig): SlabLayout {
  return layOutGroups(parameterShapes(config), parameterGroups(config));
}

/** Some of the parameters in one slab. @param shapes of these parameters, in the order they are listed to people */
export function layOutGroups(shapes: ReadonlyMap<string, number[]>, { matrices, vectors }: ParameterGroups): SlabLayout {
  const groupSize = (group: string[]): number[] => [group.reduce((sum, name) => sum + sizeOf(shapes.get(name)!), 0)];
  const groups = [...matrices, ...vectors];
  const { offsets, size } = layOutSlices(groups.map(groupSize));
  const found = new Map<string, Place>();
  groups.forEach((group, i) => {
    let offset = offsets[i]!;
    for (const name of group) {
      const shape = shapes.get(name)!;
      found.set(name, { offset, shape });
      offset += sizeOf(shape);
    }
  });
  const places = new Map([...shapes.keys()].map((name) => [name, found.get(name)!]));
  return { places, size, matrixSize: offsets[matrices.length] ?? size };
}
