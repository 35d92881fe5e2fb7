import { expect, it } from 'vitest';
import { UniformArena } from './uniformArena.ts';

function open(slots: number) {
  const writes: { offset: number; values: number[] }[] = [];
  const queue = { writeBuffer: (_: unknown, offset: number, bytes: ArrayBuffer) => writes.push({ offset, values: [...new Int32Array(bytes)] }) } as unknown as GPUQueue;
  const arena = new UniformArena(queue, {} as GPUBuffer, slots);
  return { arena, writes, offsetOf: (...values: number[]) => arena.locate(Int32Array.from(values).buffer)?.offset };
}

it('uploads values once, and finds them again by content', () => {
  const { writes, offsetOf } = open(4);
  expect([offsetOf(1, 2), offsetOf(3), offsetOf(1, 2), offsetOf(1, 2, 0)]).toEqual([0, 256, 0, 512]);
  expect(writes.map(({ values }) => values)).toEqual([[1, 2], [3], [1, 2, 0]]);
});

it('gives the slot that was unused for longest to new values', () => {
  const { arena, writes, offsetOf } = open(2);
  offsetOf(1);
  offsetOf(2);
  offsetOf(1);
  arena.afterSubmit();
  expect(offsetOf(3)).toBe(256);
  expect(offsetOf(1)).toBe(0);
  expect(writes).toHaveLength(3);
});

it('never overwrites values that unsubmitted commands read', () => {
  const { arena, writes, offsetOf } = open(2);
  offsetOf(1);
  arena.afterSubmit();
  offsetOf(1);
  offsetOf(2);
  expect(offsetOf(3)).toBeUndefined();
  expect(writes).toHaveLength(2);
  arena.afterSubmit();
  expect(offsetOf(3)).toBe(0);
});

it('takes nothing that is longer than a slot', () => {
  const { arena } = open(2);
  expect(arena.locate(new ArrayBuffer(256))).not.toBeNull();
  expect(arena.locate(new ArrayBuffer(260))).toBeNull();
});
