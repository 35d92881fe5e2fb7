/**
 * Everything a run needs to continue as if it had never stopped, on the host, and its form as bytes. There is no
 * generator state: which rows a step draws follows from seed and step. Not a model file: those are safetensors.
 */
import { EngineError } from '../base/errors.ts';
import type { Moments } from '../optim/adamW.ts';

export interface TrainState {
  /** Optimizer steps done. */
  step: number;
  /** Time spent training so far, ms. */
  elapsedMs: number;
  /** Says which settings and rows the run has; a state is only resumed with the same ones. */
  fingerprint: string;
  params: Map<string, { shape: number[]; data: Float32Array }>;
  moments: Moments;
}

interface Header {
  format: 'sidestep-train-state';
  version: 1;
  step: number;
  elapsedMs: number;
  fingerprint: string;
  /** Floats of each tensor follow the header in this order: parameter, first moment, second moment. */
  tensors: { name: string; shape: number[] }[];
}

const size = (shape: readonly number[]): number => shape.reduce((product, n) => product * n, 1);

/** Header length (uint32), header (JSON, padded to 4 bytes), float32 values; little-endian. Owned by the caller. */
export function encodeTrainState(state: TrainState): Uint8Array {
  const { step, elapsedMs, fingerprint } = state;
  const tensors = [...state.params].map(([name, { shape }]) => ({ name, shape }));
  const header: Header = { format: 'sidestep-train-state', version: 1, step, elapsedMs, fingerprint, tensors };
  let json = JSON.stringify(header);
  json += ' '.repeat((4 - (new TextEncoder().encode(json).length % 4)) % 4);
  const text = new TextEncoder().encode(json);
  const count = tensors.reduce((sum, { shape }) => sum + 3 * size(shape), 0);
  const bytes = new Uint8Array(4 + text.length + 4 * count);
  new DataView(bytes.buffer).setUint32(0, text.length, true);
  bytes.set(text, 4);
  const floats = new Float32Array(bytes.buffer, 4 + text.length);
  let offset = 0;
  for (const { name } of tensors)
    for (const values of [state.params.get(name)?.data, state.moments.first.get(name), state.moments.second.get(name)]) {
      if (!values) throw new EngineError('internal', `Training state: ${name} has no moments.`);
      floats.set(values, offset);
      offset += values.length;
    }
  return bytes;
}

function parseHeader(bytes: Uint8Array): { header: Header; start: number } {
  const bad = (why: string) => new EngineError('bad-file', `Training state: ${why}. The run cannot be resumed from it.`);
  if (bytes.length < 4) throw bad('the file is too short');
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  if (length > bytes.length - 4) throw bad('the header is cut off');
  let header: Header;
  try {
    header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length))) as Header;
  } catch (error) {
    throw new EngineError('bad-file', 'Training state: the header is not JSON. The run cannot be resumed from it.', { cause: error });
  }
  if (header.format !== 'sidestep-train-state' || header.version !== 1) throw bad('unknown format or version');
  const count = header.tensors.reduce((sum, { shape }) => sum + 3 * size(shape), 0);
  if (bytes.length !== 4 + length + 4 * count) throw bad(`the file has ${bytes.length} bytes, expected ${4 + length + 4 * count}`);
  return { header, start: 4 + length };
}

/** The inverse of encodeTrainState. @throws EngineError bad-file for anything else */
export function decodeTrainState(bytes: Uint8Array): TrainState {
  const { header, start } = parseHeader(bytes);
  // A copy, so that the floats are aligned wherever the bytes lie.
  const floats = new Float32Array(bytes.slice(start).buffer);
  const { step, elapsedMs, fingerprint } = header;
  const state: TrainState = { step, elapsedMs, fingerprint, params: new Map(), moments: { first: new Map(), second: new Map() } };
  let offset = 0;
  const take = (length: number) => floats.slice(offset, (offset += length));
  for (const { name, shape } of header.tensors) {
    state.params.set(name, { shape, data: take(size(shape)) });
    state.moments.first.set(name, take(size(shape)));
    state.moments.second.set(name, take(size(shape)));
  }
  return state;
}
