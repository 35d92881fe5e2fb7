import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EngineError } from '../base/errors.ts';
import { decodeTrainState, encodeTrainState, type TrainState } from './trainState.ts';

const state: TrainState = {
  step: 7,
  elapsedMs: 1234.5,
  fingerprint: 'abc-ä',
  params: new Map([
    ['model.norm.weight', { shape: [3], data: Float32Array.of(1, -2, 3.5) }],
    ['lm_head.weight', { shape: [2, 2], data: Float32Array.of(0, 1e-38, 5, NaN) }],
  ]),
  moments: {
    first: new Map([['model.norm.weight', Float32Array.of(1, 2, 3)], ['lm_head.weight', Float32Array.of(4, 5, 6, 7)]]),
    second: new Map([['model.norm.weight', Float32Array.of(8, 9, 10)], ['lm_head.weight', Float32Array.of(11, 12, 13, 14)]]),
  },
};

describe('a training state', () => {
  it('comes back from its bytes bit by bit, wherever these lie', () => {
    const bytes = encodeTrainState(state);
    expect(decodeTrainState(bytes)).toEqual(state);
    const shifted = new Uint8Array(bytes.length + 1);
    shifted.set(bytes, 1);
    expect(decodeTrainState(shifted.subarray(1))).toEqual(state);
  });

  it('is refused with bad-file when the bytes are cut, longer or something else', () => {
    const bytes = encodeTrainState(state);
    const code = (b: Uint8Array) => {
      try {
        decodeTrainState(b);
        return 'read';
      } catch (thrown) {
        return thrown instanceof EngineError ? thrown.code : thrown;
      }
    };
    fc.assert(fc.property(fc.integer({ min: 0, max: bytes.length - 1 }), (length) => {
      expect(code(bytes.slice(0, length))).toBe('bad-file');
    }));
    expect(code(new Uint8Array([...bytes, 0]))).toBe('bad-file');
    expect(code(new TextEncoder().encode('\u0002\u0000\u0000\u0000{}'))).toBe('bad-file');
  });
});
