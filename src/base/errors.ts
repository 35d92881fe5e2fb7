/**
 * The one error type of the engine: a code that programs branch on and a message that people read.
 * Not for control flow: a cancelled job is signalled with AbortSignal and ends as `cancelled`.
 */

/** What went wrong, in one word; the user interface branches on this and never parses messages. */
export type ErrorCode =
  | 'bad-argument' // a caller passed a value outside its documented range
  | 'bad-shape' // tensors do not fit together
  | 'bad-file' // a file is malformed; the message says where
  | 'bad-config' // a model or training configuration is invalid
  | 'unsupported' // valid, but not something this engine can do
  | 'not-found' // a file, run or checkpoint does not exist
  | 'network' // a download failed
  | 'access' // a server wants an access token, or refuses the one it got (401, 403, gated)
  | 'gpu-error' // the GPU reported an error: its results cannot be trusted
  | 'device-lost' // the GPU device is gone; the run can be resumed from its last checkpoint
  | 'out-of-memory'
  | 'storage' // quota exceeded or storage refused
  | 'busy'
  | 'cancelled'
  | 'internal';

/** A message may quote what a file holds, which may be anything. */
const MAX_MESSAGE = 2000;

/** An error with a code. Crosses the worker boundary as `EngineFailure`. */
export class EngineError extends Error {
  readonly code: ErrorCode;
  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message.length > MAX_MESSAGE ? `${message.slice(0, MAX_MESSAGE)}…` : message, options);
    this.name = 'EngineError';
    this.code = code;
  }
}

/** The plain form of an error, as it crosses the wire. */
export interface EngineFailure {
  code: ErrorCode;
  message: string;
  stack?: string;
}

/** Turns anything thrown into its plain form; unknown errors become `internal`. */
export function toFailure(thrown: unknown): EngineFailure {
  if (thrown instanceof EngineError) return { code: thrown.code, message: thrown.message, stack: thrown.stack };
  if (thrown instanceof Error) return { code: 'internal', message: thrown.message, stack: thrown.stack };
  return { code: 'internal', message: String(thrown) };
}

/** The inverse of `toFailure`, for the receiving side of the wire. */
export function fromFailure(failure: EngineFailure): EngineError {
  const error = new EngineError(failure.code, failure.message);
  if (failure.stack) error.stack = failure.stack;
  return error;
}
