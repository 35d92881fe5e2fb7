import { expect, it } from 'vitest';
import { adapterClass } from './adapterClass.ts';

it('tells software, integrated and discrete adapters apart by their words', () => {
  expect(adapterClass({ vendor: 'google', architecture: 'swiftshader' })).toBe('software');
  expect(adapterClass({ vendor: 'mesa', description: 'llvmpipe (LLVM 15.0.6, 256 bits)' })).toBe('software');
  expect(adapterClass({ vendor: 'nvidia', architecture: 'hopper', isFallbackAdapter: true })).toBe('software');
  expect(adapterClass({ vendor: 'nvidia', architecture: 'hopper' })).toBe('discrete');
  expect(adapterClass({ vendor: 'intel', architecture: 'gen-12lp' })).toBe('integrated');
  expect(adapterClass({ vendor: 'intel', architecture: 'xe-2hpg' })).toBe('discrete');
  expect(adapterClass({ vendor: 'apple', architecture: 'metal-3' })).toBe('integrated');
  expect(adapterClass({ vendor: 'amd', architecture: 'rdna-3', description: 'AMD Radeon RX 7900 XTX' })).toBe('discrete');
  expect(adapterClass({ vendor: 'amd', architecture: 'rdna-3', description: 'AMD Radeon 780M' })).toBe('integrated');
  expect(adapterClass({ vendor: 'qualcomm', architecture: 'adreno-7xx' })).toBe('integrated');
});

it('says unknown where a browser tells nothing, and believes a type that Dawn gives', () => {
  expect(adapterClass({})).toBe('unknown');
  expect(adapterClass({ vendor: 'amd', type: 'integrated GPU' })).toBe('integrated');
  expect(adapterClass({ type: 'CPU' })).toBe('software');
});
