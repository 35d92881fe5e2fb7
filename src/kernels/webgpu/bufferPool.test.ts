import { describe, expect, it } from 'vitest';
import { Rng } from '../../base/rng.ts';
import { BufferPool, storageUsage } from './bufferPool.ts';

interface FakeBuffer {
  size: number;
  usage: number;
  destroyed: boolean;
}

/** A device that only remembers which buffers live. */
function fakeDevice() {
  const alive = new Set<FakeBuffer>();
  let created = 0;
  const device = {
    createBuffer({ size, usage }: GPUBufferDescriptor) {
      const buffer = { size, usage, destroyed: false, destroy: () => void (alive.delete(buffer), (buffer.destroyed = true)) };
      alive.add(buffer);
      created++;
      return buffer;
    },
  } as unknown as GPUDevice;
  return { device, aliveBytes: () => [...alive].reduce((sum, { size }) => sum + size, 0), created: () => created };
}

const mebibyte = 2 ** 20;
const isDestroyed = (buffer: GPUBuffer): boolean => (buffer as unknown as FakeBuffer).destroyed;

describe('the buffer pool', () => {
  it('counts what is asked for and what is allocated, and reuses a buffer for sizes of its class alone', () => {
    const { device, aliveBytes } = fakeDevice();
    const pool = new BufferPool(device);
    const first = pool.acquireBuffer(4 * 1000, storageUsage);
    expect([pool.numBytesUsed, pool.numBytesAllocated, aliveBytes()]).toEqual([4000, 4096, 4096]);
    pool.releaseBuffer(first);
    expect([pool.numBytesUsed, pool.numBytesAllocated, pool.getNumFreeBuffers()]).toEqual([0, 4096, 1]);
    expect(pool.acquireBuffer(4 * 1024, storageUsage), 'same class').toBe(first);
    expect(pool.acquireBuffer(4 * 1025, storageUsage), 'next class').not.toBe(first);
    expect([pool.getNumUsedBuffers(), pool.getNumFreeBuffers()]).toEqual([2, 0]);
  });

  it('makes buffers of other usages, and large ones, exactly as large as asked for', () => {
    const pool = new BufferPool(fakeDevice().device);
    expect(pool.acquireBuffer(20, 0x48).size).toBe(20);
    expect(pool.acquireBuffer(40 * mebibyte + 4, storageUsage).size).toBe(40 * mebibyte + 4);
  });

  it('wastes at most an eighth of a storage buffer, or 252 bytes', () => {
    const pool = new BufferPool(fakeDevice().device);
    for (let size = 4; size < 32 * mebibyte; size = Math.ceil((size * 1.037) / 4) * 4) {
      const waste = pool.acquireBuffer(size, storageUsage).size - size;
      expect(waste).toBeGreaterThanOrEqual(0);
      expect(waste).toBeLessThanOrEqual(Math.max(252, size / 8));
    }
  });

  it('gives equal steps equal buffers', () => {
    const pool = new BufferPool(fakeDevice().device);
    const step = (): GPUBuffer[] => {
      const [a, b, c] = [pool.acquireBuffer(4, storageUsage), pool.acquireBuffer(8, storageUsage), pool.acquireBuffer(12, storageUsage)] as const;
      pool.releaseBuffer(a);
      const d = pool.acquireBuffer(16, storageUsage);
      for (const buffer of [c, d, b]) pool.releaseBuffer(buffer);
      pool.afterSubmit();
      return [a, b, c, d];
    };
    const first = step();
    for (let i = 0; i < 3; i++) step().forEach((buffer, j) => expect(buffer).toBe(first[j]));
  });

  it('lets the queue write only into buffers that no unsubmitted command uses', () => {
    const pool = new BufferPool(fakeDevice().device);
    const buffer = pool.acquireBuffer(256, storageUsage);
    pool.releaseBuffer(buffer);
    expect(pool.acquireIdle(256), 'used since the last submit').toBeNull();
    pool.afterSubmit();
    expect(pool.acquireIdle(256)).toBe(buffer);
  });

  it('never destroys a buffer that unsubmitted commands may use, not even above its bounds', () => {
    const pool = new BufferPool(fakeDevice().device, { floorBytes: 0 });
    const buffers = Array.from({ length: 8 }, (_, i) => pool.acquireBuffer((i + 1) * mebibyte, storageUsage));
    for (const buffer of buffers) pool.releaseBuffer(buffer);
    const other = pool.acquireBuffer(35 * mebibyte + 4, storageUsage);
    pool.acquireBuffer(37 * mebibyte + 4, storageUsage);
    pool.releaseBuffer(other);
    expect(buffers.some(isDestroyed)).toBe(false);
  });

  it('gives back the longest unused first once much more is allocated than is used at most', () => {
    const { device, aliveBytes } = fakeDevice();
    const pool = new BufferPool(device, { floorBytes: 0 });
    const old = pool.acquireBuffer(10 * mebibyte, storageUsage);
    pool.releaseBuffer(old);
    pool.afterSubmit();
    const late = pool.acquireBuffer(9 * mebibyte, storageUsage);
    pool.releaseBuffer(late);
    pool.afterSubmit();
    expect([isDestroyed(old), isDestroyed(late)], '19 MiB of at most 20').toEqual([false, false]);
    pool.acquireBuffer(4 * mebibyte, storageUsage);
    expect([isDestroyed(old), isDestroyed(late)]).toEqual([true, false]);
    expect(pool.numBytesAllocated).toBe(aliveBytes());
  });

  it('gives back what was not used for long even within twice the peak', () => {
    const pool = new BufferPool(fakeDevice().device, { floorBytes: 0 });
    const unused = pool.acquireBuffer(8 * mebibyte, storageUsage);
    pool.releaseBuffer(unused);
    for (let i = 0; i < 100; i++) {
      pool.releaseBuffer(pool.acquireBuffer(10 * mebibyte, storageUsage));
      if (i === 50) expect(isDestroyed(unused)).toBe(false);
      pool.afterSubmit();
    }
    expect(isDestroyed(unused)).toBe(true);
  });

  it('stays below twice the live peak over steps of ever other sizes, with exact counts', () => {
    const { device, aliveBytes } = fakeDevice();
    const pool = new BufferPool(device, { floorBytes: mebibyte });
    const rng = new Rng(3);
    let largest = 0;
    for (let step = 0; step < 300; step++) {
      const scale = 1 + rng.int(4000);
      const live = Array.from({ length: 20 }, (_, i) => pool.acquireBuffer(4 * scale * (1 + (i % 7)), storageUsage));
      largest = Math.max(largest, live.reduce((sum, { size }) => sum + size, 0));
      for (const buffer of live) pool.releaseBuffer(buffer);
      pool.afterSubmit();
      expect(pool.numBytesAllocated).toBe(aliveBytes());
      expect(pool.numBytesAllocated).toBeLessThanOrEqual(Math.max(mebibyte, 2 * largest));
      expect(pool.numBytesUsed).toBe(0);
    }
    pool.trim();
    expect([pool.numBytesAllocated, aliveBytes(), pool.getNumFreeBuffers()]).toEqual([0, 0, 0]);
  });

  it('tells before a buffer dies, and refuses to take back what it did not give', () => {
    const dead: GPUBuffer[] = [];
    const pool = new BufferPool(fakeDevice().device, { onDestroy: (buffer) => dead.push(buffer) });
    const buffer = pool.acquireBuffer(4, storageUsage);
    pool.releaseBuffer(buffer, false);
    expect(dead).toEqual([buffer]);
    expect(() => pool.releaseBuffer(buffer)).toThrow('not in use');
  });

  it('remembers the largest live size until it is told to begin anew', () => {
    const pool = new BufferPool(fakeDevice().device);
    pool.releaseBuffer(pool.acquireBuffer(1000, storageUsage));
    expect(pool.peakBytesUsed).toBe(1000);
    pool.resetPeak();
    expect(pool.peakBytesUsed).toBe(0);
  });
});
