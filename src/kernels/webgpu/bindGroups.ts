/** Bind groups and their layouts, kept for the next time the same buffers are bound: a steady step binds the same ones again. */

/** A step has some hundred. */
const maxBindGroups = 2048;

export interface BoundLayout {
  id: number;
  layout: GPUBindGroupLayout;
}

const computeStage = 0x4; // GPUShaderStage.COMPUTE

/** A buffer as the cache knows it: its number, and the groups it is in. */
interface Bound {
  id: number;
  keys: Set<string>;
}

export class BindGroups {
  private readonly layouts = new Map<string, BoundLayout>();
  /** The longest unused first. */
  private readonly groups = new Map<string, { group: GPUBindGroup; members: Bound[] }>();
  private readonly bound = new WeakMap<GPUBuffer, Bound>();
  private numbered = 0;

  constructor(
    private readonly device: GPUDevice,
    private readonly limit = maxBindGroups,
  ) {}

  /** Programs whose bindings are of the same types share their layout. */
  layoutOf(types: readonly GPUBufferBindingType[]): BoundLayout {
    const key = types.join();
    let found = this.layouts.get(key);
    if (!found) {
      const layout = this.device.createBindGroupLayout({ entries: types.map((type, binding) => ({ binding, visibility: computeStage, buffer: { type } })) });
      this.layouts.set(key, (found = { id: this.layouts.size, layout }));
    }
    return found;
  }

  groupOf({ id, layout }: BoundLayout, resources: readonly GPUBufferBinding[]): GPUBindGroup {
    const members: Bound[] = [];
    let key = `${id}`;
    for (const { buffer, offset = 0, size = 0 } of resources) {
      const member = this.boundOf(buffer);
      members.push(member);
      key += `|${member.id}+${offset}:${size}`;
    }
    let entry = this.groups.get(key);
    // Taken out and put in again: a map goes in the order of insertion.
    if (entry) this.groups.delete(key);
    else {
      if (this.groups.size >= this.limit) this.drop(this.groups.keys().next().value as string);
      const group = this.device.createBindGroup({ layout, entries: resources.map((resource, binding) => ({ binding, resource })) });
      for (const { keys } of members) keys.add(key);
      entry = { group, members };
    }
    this.groups.set(key, entry);
    return entry.group;
  }

  private boundOf(buffer: GPUBuffer): Bound {
    let entry = this.bound.get(buffer);
    if (!entry) this.bound.set(buffer, (entry = { id: this.numbered++, keys: new Set() }));
    return entry;
  }

  private drop(key: string): void {
    for (const { keys } of this.groups.get(key)?.members ?? []) keys.delete(key);
    this.groups.delete(key);
  }

  /** Groups die with their buffers. */
  forget(buffer: GPUBuffer): void {
    for (const key of [...(this.bound.get(buffer)?.keys ?? [])]) this.drop(key);
    this.bound.delete(buffer);
  }

  get size(): number {
    return this.groups.size;
  }
}
