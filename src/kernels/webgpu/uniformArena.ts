/**
 * Uniform values on the device, kept by content: a program that comes with the values it came with before uploads nothing. One buffer
 * of many slots; the slot that was unused for longest gives way.
 */

/** What every device lets a uniform binding begin at (minUniformBufferOffsetAlignment is at most this), bytes. */
const slotBytes = 256;

/** 256 KiB: a step has some hundred different contents. */
const defaultSlots = 1024;

export class UniformArena {
  /** Slot and last use of each content, the longest unused first. */
  private readonly contents = new Map<string, { slot: number; usedAt: number }>();
  private submits = 0;

  constructor(
    private readonly queue: GPUQueue,
    private readonly buffer: GPUBuffer,
    private readonly slots = defaultSlots,
  ) {}

  static sizeBytes(slots = defaultSlots): number {
    return slots * slotBytes;
  }

  /** @param bytes the values, a multiple of 4 bytes. @returns where they are; null if they are too long, or every slot is in use by unsubmitted commands */
  locate(bytes: ArrayBuffer): GPUBufferBinding | null {
    const size = bytes.byteLength;
    if (size > slotBytes) return null;
    const content = String.fromCharCode(...new Uint16Array(bytes));
    let entry = this.contents.get(content);
    // Taken out and put in again: a map goes in the order of insertion.
    if (entry) this.contents.delete(content);
    else {
      const slot = this.freeSlot();
      if (slot === null) return null;
      this.queue.writeBuffer(this.buffer, slot * slotBytes, bytes);
      entry = { slot, usedAt: 0 };
    }
    entry.usedAt = this.submits;
    this.contents.set(content, entry);
    return { buffer: this.buffer, offset: entry.slot * slotBytes, size };
  }

  /** The queue writes before the commands that are being recorded, so a slot that they use must keep its values. */
  private freeSlot(): number | null {
    if (this.contents.size < this.slots) return this.contents.size;
    const [content, { slot, usedAt }] = this.contents.entries().next().value as [string, { slot: number; usedAt: number }];
    if (usedAt === this.submits) return null;
    this.contents.delete(content);
    return slot;
  }

  afterSubmit(): void {
    this.submits++;
  }
}
