import { describe, expect, it } from 'vitest';
import { guardAllocations } from './allocationGuard.ts';

describe('the allocation guard', () => {
  it('refuses blocks above its limit, by every way to ask for them, and only while it is on', () => {
    const guard = guardAllocations(1000);
    const refused: string[] = [];
    const tries: Record<string, () => unknown> = {
      buffer: () => new ArrayBuffer(1001),
      floats: () => new Float32Array(251),
      copy: () => new Float64Array(new Float32Array(200)),
      list: () => new Array(200),
      from: () => Array.from({ length: 200 }),
      typed: () => Float32Array.from({ length: 300 }),
      small: () => [new Float32Array(250), new Array(3), Array.from('abc'), new Uint8Array([1, 2])],
    };
    for (const [name, run] of Object.entries(tries))
      try {
        run();
      } catch {
        refused.push(name);
      }
    guard.release();
    expect(refused).toEqual(['buffer', 'floats', 'copy', 'list', 'from', 'typed']);
    expect(new Float32Array(1000)).toHaveLength(1000);
    expect(Array.from({ length: 500 })).toHaveLength(500);
    expect(new Uint8Array(4)).toBeInstanceOf(Uint8Array);
  });
});
