/** Streams an LM from where it is stored onto the device, piece by piece: JavaScript never holds more than one piece. */
import * as tf from '@tensorflow/tfjs-core';
import { EngineError } from '../base/errors.ts';
import { BYTES_PER_VALUE, toFloat32 } from '../base/storedValues.ts';
import type { LmConfig } from '../config/lm.ts';
import { parameterNames, parameterShapes } from '../config/lmParameters.ts';
import { allocateTensor, writeTensorBytes } from '../kernels/deviceBuffer.ts';
import { packedWords } from '../kernels/packed.ts';
import type { Slice } from '../kernels/slice.ts';
import { layOutGroups, parameterGroups, parameterLayout } from './parameterLayout.ts';
import { assembleLm, assembleTrainable, type LanguageModel, type WeightStorage } from './params.ts';
import { rowRuns, storedOffset } from './rowRuns.ts';
import type { WeightSource } from './weightSource.ts';

export interface LoadOptions {
  /** Whether the LM is to be trained whole: then it is decoded to float32, in one slab. A frozen one stays as it is stored. */
  trainable: boolean;
  /** Told the bytes read so far, of all parameters. */
  onBytes?: (loadedBytes: number) => void;
  signal?: AbortSignal;
}

type Sources = ReadonlyMap<string, WeightSource>;

/** Bytes of one piece. */
const PIECE_BYTES = 8 * 2 ** 20;

const PACKED = { F32: null, F16: 'f16', BF16: 'bf16' } as const;

const countOf = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

function assertComplete(shapes: ReadonlyMap<string, number[]>, sources: Sources): void {
  for (const [name, shape] of shapes) {
    const source = sources.get(name);
    if (!source) throw new EngineError('bad-argument', `LM: parameter "${name}" is missing.`);
    if (String(source.shape) !== String(shape)) throw new EngineError('bad-shape', `LM: parameter "${name}" is [${source.shape}], expected [${shape}].`);
  }
}

function decode(bytes: Uint8Array, dtype: WeightSource['dtype'], plus: number): Float32Array {
  const values = toFloat32(bytes, dtype);
  return plus === 0 ? values : values.map((value) => value + plus);
}

const bytesOf = (values: Float32Array): Uint8Array => new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

/** Whole words: the last of an odd number of halves is filled up with a zero. */
function toWords(bytes: Uint8Array): Uint8Array {
  if (bytes.byteLength % 4 === 0) return bytes;
  const padded = new Uint8Array(bytes.byteLength + 2);
  padded.set(bytes);
  return padded;
}

class Loader {
  private loadedBytes = 0;
  private readonly allocated: tf.Tensor[] = [];

  constructor(
    private readonly config: LmConfig,
    private readonly sources: Sources,
    private readonly options: LoadOptions,
  ) {}

  allocate(count: number, dtype: 'float32' | 'int32'): tf.Tensor {
    const tensor = allocateTensor([count], dtype);
    this.allocated.push(tensor);
    return tensor;
  }

  /** After a failure. */
  dispose(): void {
    tf.dispose(this.allocated);
  }

  /** Puts one parameter where it belongs, decoded unless the place is packed. */
  async fill(name: string, { slab, offset, shape, storage }: Slice): Promise<void> {
    const source = this.sources.get(name)!;
    const rows = shape[0]!;
    const width = countOf(shape) / rows;
    const rowBytes = width * BYTES_PER_VALUE[source.dtype];
    const rowsAtOnce = Math.max(2, 2 * Math.floor(PIECE_BYTES / rowBytes / 2));
    const plus = storedOffset(this.config, name);
    const heldBytes = storage ? 2 : 4;
    for (let row = 0; row < rows; row += rowsAtOnce) {
      this.options.signal?.throwIfAborted();
      const end = Math.min(rows, row + rowsAtOnce);
      const bytes = await source.read(row * rowBytes, end * rowBytes);
      if (bytes.byteLength !== (end - row) * rowBytes) throw new EngineError('bad-file', `weights: ${bytes.byteLength} of ${(end - row) * rowBytes} bytes of "${name}" could be read.`);
      const held = storage ? bytes : bytesOf(decode(bytes, source.dtype, plus));
      for (const run of rowRuns(this.config, name, row, end)) {
        const from = (run.stored - row) * width * heldBytes;
        writeTensorBytes(slab, (offset + run.held * width) * heldBytes, toWords(held.subarray(from, from + run.count * width * heldBytes)));
      }
      this.loadedBytes += bytes.byteLength;
      this.options.onBytes?.(this.loadedBytes);
    }
  }

  async trainable(): Promise<LanguageModel> {
    const layout = parameterLayout(this.config);
    // What lies between parameters has to be 0.
    const slab = tf.fill([layout.size], 0);
    this.allocated.push(slab);
    for (const [name, place] of layout.places) await this.fill(name, { slab, ...place });
    return assembleTrainable(this.config, layout, slab);
  }

  async frozen(): Promise<LanguageModel> {
    const shapes = parameterShapes(this.config);
    const groups = parameterGroups(this.config);
    const parameters = new Map<string, Slice>();
    for (const names of groups.matrices) {
      const storage = this.storageOf(names, shapes);
      const count = names.reduce((sum, name) => sum + countOf(shapes.get(name)!), 0);
      const slab = storage ? this.allocate(packedWords(count), 'int32') : this.allocate(count, 'float32');
      let offset = 0;
      for (const name of names) {
        const place: Slice = { slab, offset, shape: shapes.get(name)!, ...(storage ? { storage } : {}) };
        await this.fill(name, place);
        parameters.set(name, place);
        offset += countOf(place.shape);
      }
    }
    const layout = layOutGroups(new Map([...shapes].filter(([name]) => groups.vectors.some((names) => names.includes(name)))), { matrices: [], vectors: groups.vectors });
    const vectors = this.allocate(layout.size, 'float32');
    for (const [name, place] of layout.places) {
      parameters.set(name, { slab: vectors, ...place });
      await this.fill(name, parameters.get(name)!);
    }
    const inOrder = new Map([...shapes.keys()].map((name) => [name, parameters.get(name)!]));
    const storage: WeightStorage = parameters.get(parameterNames(this.config).embedding)!.storage ?? 'f32';
    return assembleLm({ config: this.config, trainable: null, storage, parameters: inOrder, tensors: this.allocated });
  }

  /** Packed as stored, where all members of the group are stored alike and each fills whole words. */
  private storageOf(names: readonly string[], shapes: ReadonlyMap<string, number[]>): Slice['storage'] | null {
    const [first] = names as [string];
    const packed = PACKED[this.sources.get(first)!.dtype];
    const alike = names.every((name) => PACKED[this.sources.get(name)!.dtype] === packed && shapes.get(name)![1]! % 2 === 0 && storedOffset(this.config, name) === 0);
    return alike ? packed : null;
  }
}

/**
 * @param tensors by Hugging Face name, in the order and form of the files; read once each
 * @returns owned by the caller: dispose it
 * @throws EngineError bad-argument, bad-shape; unsupported, out-of-memory where the device has no room; what the sources and the signal throw
 */
export async function loadLm(config: LmConfig, tensors: Sources, options: LoadOptions): Promise<LanguageModel> {
  assertComplete(parameterShapes(config), tensors);
  const loader = new Loader(config, tensors, options);
  try {
    return options.trainable ? await loader.trainable() : await loader.frozen();
  } catch (thrown) {
    loader.dispose();
    throw thrown;
  }
}
