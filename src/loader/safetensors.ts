/**
 * Reads and writes the safetensors format: 8 bytes header length, a JSON header, the raw little-endian tensors.
 * Files are untrusted: everything is checked before anything is allocated. 
 * Whole files are for checkpoints; a model's weights are read in pieces. Not for which tensors a model needs (modelFolder.ts).
 * @see https://github.com/huggingface/safetensors#format
 */
import { EngineError } from '../base/errors.ts';
import { float32ToBfloat16, float32ToHalf, LARGEST_TO_BFLOAT16, LARGEST_TO_HALF } from '../base/halfFloat.ts';
import type { ModelFile } from './modelFile.ts';
import { BYTES_PER_VALUE, toFloat32, type StoredDtype } from '../base/storedValues.ts';
import { byteLengthOf, type StoredTensor, type WeightTensor } from './storedTensor.ts';

export type { WeightTensor } from './storedTensor.ts';

/** A tensor to be written. */
export interface TensorValues {
  shape: readonly number[];
  data: Float32Array;
}

/** Same cap as the reference implementation. */
const MAX_HEADER_BYTES = 100_000_000;
/** Valid in the format, of no use as LM weights. */
const OTHER_DTYPES = new Set(['F64', 'I64', 'I32', 'I16', 'I8', 'U64', 'U32', 'U16', 'U8', 'BOOL', 'F8_E5M2', 'F8_E4M3', 'F8_E8M0', 'F4', 'F6_E2M3', 'F6_E3M2', 'C64']);

type Json = Record<string, unknown>;
const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const bad = (message: string, cause?: unknown) => new EngineError('bad-file', `safetensors: ${message}`, { cause });

/** Where a tensor lies; begin and end count from the first byte of the data. */
interface Entry {
  name: string;
  /** null: one that is not wanted, in a format that is not read. */
  dtype: StoredDtype | null;
  shape: number[];
  begin: number;
  end: number;
}

/** @param bytes at least the first 8 of the file @returns where its tensors begin @throws EngineError bad-file */
function parseDataStart(bytes: Uint8Array, sizeBytes: number): number {
  if (sizeBytes < 8) throw bad(`the file has ${sizeBytes} bytes; a header needs at least 8.`);
  const headerLength = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
  if (headerLength > BigInt(MAX_HEADER_BYTES)) throw bad(`a header of ${headerLength} bytes is over the limit of ${MAX_HEADER_BYTES}. Is this a safetensors file?`);
  const dataStart = 8 + Number(headerLength);
  if (dataStart > sizeBytes) throw bad(`the header should have ${headerLength} bytes but the file ends after ${sizeBytes - 8}. Is the download complete?`);
  return dataStart;
}

/** Tensors of a file that nobody wants: their number format does not matter. */
type IsLeftover = (name: string) => boolean;

/** @param bytes the header alone @param dataLength bytes of all tensors @throws EngineError bad-file | unsupported */
function parseHeader(bytes: Uint8Array, dataLength: number, isLeftover: IsLeftover = () => false): Entry[] {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw bad(`the header is not valid JSON (${error instanceof Error ? error.message : String(error)}).`, error);
  }
  if (!isObject(header)) throw bad('the header must be a JSON object.');
  const entries: Entry[] = [];
  for (const [name, value] of Object.entries(header)) {
    if (name === '__metadata__') {
      if (!isObject(value) || !Object.values(value).every((entry) => typeof entry === 'string')) throw bad('__metadata__ must map text to text.');
    } else entries.push(parseEntry(name, value, dataLength, isLeftover));
  }
  assertCovered(entries, dataLength);
  return entries;
}

function parseEntry(name: string, value: unknown, dataLength: number, isLeftover: IsLeftover): Entry {
  const at = `tensor "${name}"`;
  if (!isObject(value)) throw bad(`${at}: its entry must be an object.`);
  const { dtype, shape, data_offsets: offsets } = value;
  if (!Array.isArray(shape) || !shape.every(isCount)) throw bad(`${at}: shape must be a list of whole numbers >= 0.`);
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount)) throw bad(`${at}: data_offsets must be two whole numbers >= 0.`);
  const [begin, end] = offsets as [number, number];
  if (begin > end || end > dataLength) throw bad(`${at}: bytes ${begin} to ${end} lie outside the ${dataLength} bytes of data. Is the download complete?`);
  if (typeof dtype !== 'string') throw bad(`${at}: dtype must be text.`);
  if (dtype !== 'F32' && dtype !== 'F16' && dtype !== 'BF16') {
    if (OTHER_DTYPES.has(dtype) && isLeftover(name)) return { name, dtype: null, shape, begin, end };
    if (OTHER_DTYPES.has(dtype)) throw new EngineError('unsupported', `safetensors: ${at} is ${dtype}; supported: F32, F16, BF16.`);
    throw bad(`${at}: unknown dtype "${dtype}".`);
  }
  const byteLength = byteLengthOf({ dtype, shape });
  if (byteLength !== end - begin) throw bad(`${at}: ${dtype} [${shape}] takes ${byteLength} bytes but has ${end - begin}.`);
  return { name, dtype, shape, begin, end };
}

/** The file's data must be covered exactly: a gap could hide bytes, an overlap could alias tensors. */
function assertCovered(entries: readonly Entry[], dataLength: number): void {
  const sorted = [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end);
  let covered = 0;
  for (const { name, begin, end } of sorted) {
    if (begin < covered) throw bad(`tensor "${name}" overlaps the one before it (byte ${begin}).`);
    if (begin > covered) throw bad(`bytes ${covered} to ${begin} before tensor "${name}" belong to no tensor.`);
    covered = end;
  }
  if (covered !== dataLength) throw bad(`the last ${dataLength - covered} bytes belong to no tensor.`);
}

/**
 * Reads the header alone: 8 bytes, then its JSON. Everything is checked as in `parseSafetensors`, no value is touched.
 * @param isLeftover names of tensors that may have any dtype, such as the masks of old checkpoints; they are left out where it is not ours
 * @returns tensors by name, in the order of the header; they read from `file`
 * @throws EngineError bad-file if anything does not fit, unsupported for a valid dtype other than F32, F16, BF16
 */
export async function readSafetensorsHeader(file: ModelFile, isLeftover?: IsLeftover): Promise<Map<string, StoredTensor>> {
  const dataStart = parseDataStart(await file.read(0, Math.min(8, file.sizeBytes)), file.sizeBytes);
  const entries = parseHeader(await file.read(8, dataStart), file.sizeBytes - dataStart, isLeftover);
  const tensors = new Map<string, StoredTensor>();
  for (const { name, dtype, shape, begin, end } of entries) {
    if (dtype === null) continue;
    tensors.set(name, {
      dtype,
      shape,
      async read(from, to) {
        if (!(from >= 0 && from <= to && to <= end - begin)) throw new EngineError('bad-argument', `safetensors: bytes ${from} to ${to} lie outside tensor "${name}".`);
        return file.read(dataStart + begin + from, dataStart + begin + to);
      },
    });
  }
  return tensors;
}

/**
 * @param bytes the whole file, borrowed; F32 tensors may be views into it
 * @returns tensors by name, in the order of the header
 * @throws EngineError bad-file if anything does not fit, unsupported for a valid dtype other than F32, F16, BF16
 */
export function parseSafetensors(bytes: Uint8Array): Map<string, WeightTensor> {
  const dataStart = parseDataStart(bytes, bytes.byteLength);
  const entries = parseHeader(bytes.subarray(8, dataStart), bytes.byteLength - dataStart);
  const tensors = new Map<string, WeightTensor>();
  for (const { name, dtype, shape, begin, end } of entries)
    if (dtype !== null) tensors.set(name, { dtype, shape, data: toFloat32(bytes.subarray(dataStart + begin, dataStart + end), dtype) });
  return tensors;
}

/**
 * Header length and header of a file.
 * @param tensors in the order of their data
 * @param metadata text to text; transformers expects {format: 'pt'}
 * @returns owned; a multiple of 8 bytes, so that tensors start aligned
 */
export function writeSafetensorsHeader(tensors: readonly (readonly [string, { dtype: StoredDtype; shape: readonly number[] }])[], metadata: Readonly<Record<string, string>>): Uint8Array {
  // Entries, not an object literal: a tensor may be called "__proto__".
  const header: [string, unknown][] = Object.keys(metadata).length > 0 ? [['__metadata__', metadata]] : [];
  let offset = 0;
  for (const [name, { dtype, shape }] of tensors) {
    if (name === '__metadata__') throw new EngineError('bad-argument', 'safetensors: a tensor cannot be called "__metadata__".');
    const end = offset + byteLengthOf({ dtype, shape });
    header.push([name, { dtype, shape, data_offsets: [offset, end] }]);
    offset = end;
  }
  const json = new TextEncoder().encode(`{${header.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(',')}}`);
  const headerLength = Math.ceil(json.length / 8) * 8;
  const bytes = new Uint8Array(8 + headerLength).fill(0x20, 8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(headerLength), true);
  bytes.set(json, 8);
  return bytes;
}

/** Tensors as the reference implementation orders them: wide numbers first, so that each begins aligned; then by name. */
export const inFileOrder = <Tensor extends { dtype: StoredDtype }>(tensors: Iterable<readonly [string, Tensor]>): (readonly [string, Tensor])[] =>
  [...tensors].sort(([a, { dtype: of }], [b, { dtype: than }]) => BYTES_PER_VALUE[than] - BYTES_PER_VALUE[of] || (a < b ? -1 : a > b ? 1 : 0));

/**
 * @param tensors borrowed
 * @param metadata text to text; transformers expects {format: 'pt'}
 * @returns the whole file, owned; the same input gives the same bytes
 * @throws EngineError bad-argument if a shape does not fit its data or a finite value is too large for F16
 */
export function writeSafetensors(tensors: ReadonlyMap<string, TensorValues>, dtype: 'F16' | 'F32', metadata: Readonly<Record<string, string>>): Uint8Array {
  for (const [name, { shape, data }] of tensors)
    if (shape.reduce((product, dim) => product * dim, 1) !== data.length) throw new EngineError('bad-argument', `safetensors: tensor "${name}" [${shape}] has ${data.length} values.`);
  const sorted = inFileOrder([...tensors].map(([name, tensor]) => [name, { ...tensor, dtype }] as const));
  const header = writeSafetensorsHeader(sorted, metadata);
  const file = new Uint8Array(header.byteLength + sorted.reduce((sum, [, tensor]) => sum + byteLengthOf(tensor), 0));
  file.set(header);
  let at = header.byteLength;
  for (const [name, { data }] of sorted) {
    const raw = encodeValues(name, data, dtype);
    file.set(raw, at);
    at += raw.byteLength;
  }
  return file;
}

/** @returns little-endian bytes; of F32 a view @throws EngineError bad-argument if a finite value is too large for the type */
export function encodeValues(name: string, values: Float32Array, dtype: StoredDtype): Uint8Array {
  if (dtype !== 'F32') {
    const largest = dtype === 'F16' ? LARGEST_TO_HALF : LARGEST_TO_BFLOAT16;
    for (let i = 0; i < values.length; i++) {
      const value = values[i] as number;
      if (Math.abs(value) > largest && Number.isFinite(value)) throw new EngineError('bad-argument', `safetensors: tensor "${name}" holds ${value}, too large for ${dtype}. Write F32.`);
    }
  }
  const raw = dtype === 'F32' ? values : dtype === 'F16' ? float32ToHalf(values) : float32ToBfloat16(values);
  return new Uint8Array(raw.buffer, raw.byteOffset, raw.byteLength);
}
