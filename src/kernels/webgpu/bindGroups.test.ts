import { expect, it } from 'vitest';
import { BindGroups } from './bindGroups.ts';

function open(limit?: number) {
  let groups = 0;
  let layouts = 0;
  const device = { createBindGroup: () => ({ n: groups++ }), createBindGroupLayout: () => ({ n: layouts++ }) } as unknown as GPUDevice;
  return { cache: new BindGroups(device, limit), made: () => groups, layoutsMade: () => layouts };
}
const buffer = (): GPUBuffer => ({}) as GPUBuffer;

it('binds the same parts of the same buffers once, and programs with bindings of the same types share a layout', () => {
  const { cache, made, layoutsMade } = open();
  const layout = cache.layoutOf(['storage', 'uniform']);
  expect(cache.layoutOf(['storage', 'uniform'])).toBe(layout);
  cache.layoutOf(['uniform', 'storage']);
  expect(layoutsMade()).toBe(2);
  const [a, b] = [buffer(), buffer()];
  const first = cache.groupOf(layout, [{ buffer: a, size: 4 }, { buffer: b }]);
  expect(cache.groupOf(layout, [{ buffer: a, size: 4 }, { buffer: b }])).toBe(first);
  for (const other of [[{ buffer: b, size: 4 }, { buffer: a }], [{ buffer: a, size: 8 }, { buffer: b }], [{ buffer: a, size: 4, offset: 256 }, { buffer: b }]])
    expect(cache.groupOf(layout, other)).not.toBe(first);
  expect(made()).toBe(4);
});

it('forgets the groups of a buffer that dies, and those unused for longest beyond its limit', () => {
  const { cache, made } = open(2);
  const layout = cache.layoutOf(['storage', 'storage']);
  const [a, b, c] = [buffer(), buffer(), buffer()] as const;
  const bind = (x: GPUBuffer, y: GPUBuffer) => cache.groupOf(layout, [{ buffer: x }, { buffer: y }]);
  bind(a, b);
  bind(b, c);
  cache.forget(a);
  expect(cache.size).toBe(1);
  bind(a, b);
  bind(b, c);
  bind(a, c);
  expect([cache.size, made()]).toEqual([2, 4]);
  bind(b, c);
  expect(made(), 'b and c were in use later than a and b').toBe(4);
});
