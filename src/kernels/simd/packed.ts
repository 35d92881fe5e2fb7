/** Storages as the SIMD kernels number them (assembly/packed.ts). */
import type { PackedStorage } from '../packed.ts';

export const storageNumber = (storage: PackedStorage | undefined): number => (storage === 'f16' ? 1 : storage === 'bf16' ? 2 : 0);

/** Bytes of a value. */
export const bytesPerValue = (storage: PackedStorage | undefined): number => (storage ? 2 : 4);
