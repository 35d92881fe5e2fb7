/**
 * How WGSL reads an operand that may be packed (packed.ts), exactly on every device. Half precision is decoded by integers, unless a trial has
 * shown that unpack2x16float keeps subnormal numbers on this device: no specification promises it.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { PackedStorage } from './packed.ts';
import type { WgslBinding } from './runWgsl.ts';

const decodeFour = {
  bf16: 'return bitcast<vec4f>(vec4u(words.x << 16u, words.x & 0xffff0000u, words.y << 16u, words.y & 0xffff0000u));',
  // From an exponent of 1 on: 112 more; all ones (infinity, NaN): 224 more; below, multiples of 2^-24.
  f16: `
  let half = vec4u(words.x, words.x >> 16u, words.y, words.y >> 16u);
  let magnitude = half & vec4u(0x7fffu);
  let normal = (magnitude << vec4u(13u)) + select(vec4u(0x38000000u), vec4u(0x70000000u), magnitude >= vec4u(0x7c00u));
  let small = bitcast<vec4u>(vec4f(magnitude) * 5.9604644775390625e-8);
  return bitcast<vec4f>(select(normal, small, magnitude < vec4u(0x400u)) | ((half & vec4u(0x8000u)) << vec4u(16u)));`,
};

const decodeOne = {
  bf16: 'return bitcast<f32>(half << 16u);',
  f16: `
  let magnitude = half & 0x7fffu;
  let normal = (magnitude << 13u) + select(0x38000000u, 0x70000000u, magnitude >= 0x7c00u);
  let small = bitcast<u32>(f32(magnitude) * 5.9604644775390625e-8);
  return bitcast<f32>(select(normal, small, magnitude < 0x400u) | ((half & 0x8000u) << 16u));`,
};

/** With the device's own instruction. */
const unpackFour = 'return vec4f(unpack2x16float(words.x), unpack2x16float(words.y));';
const unpackOne = 'return unpack2x16float(half).x;';

/** Devices whose unpack2x16float is exact, and those where it is not. */
const unpacksExactly = new WeakMap<GPUDevice, boolean>();

const activeDevice = (): GPUDevice => (tf.backend() as unknown as { device: GPUDevice }).device;

/** Lets kernels on the active device decode half precision by unpack2x16float, if a trial showed that it is exact (tryUnpack). */
export function setUnpacksExactly(exact: boolean): void {
  unpacksExactly.set(activeDevice(), exact);
}

const unpacks = (storage: PackedStorage): boolean => storage === 'f16' && unpacksExactly.get(activeDevice()) === true;

/** How one operand is read. */
export interface OperandReads {
  element: WgslBinding['element'];
  /** WGSL that `at` calls. */
  functions: string;
  /** WGSL for the values at an index: a vec4f of four, or one f32. */
  at(index: string): string;
}

/**
 * @param name   of the binding
 * @param vector four values at a time: the operand's rows must be multiples of four values long
 */
export function operandReads(name: string, storage: PackedStorage | undefined, vector: boolean): OperandReads {
  if (!storage) return { element: vector ? 'vec4f' : 'f32', functions: '', at: (index) => `${name}[${index}]` };
  if (vector) return { element: 'vec2u', functions: `\nfn ${name}Decode(words: vec2u) -> vec4f { ${unpacks(storage) ? unpackFour : decodeFour[storage]} }`, at: (index) => `${name}Decode(${name}[${index}])` };
  return {
    element: 'u32',
    functions: `\nfn ${name}Decode(half: u32) -> f32 { ${unpacks(storage) ? unpackOne : decodeOne[storage]} }\nfn ${name}At(i: u32) -> f32 { return ${name}Decode((${name}[i >> 1u] >> (16u * (i & 1u))) & 0xffffu); }`,
    at: (index) => `${name}At(${index})`,
  };
}

/** What belongs into the key of a program whose operand may be packed. */
export const storageKey = (storage: PackedStorage | undefined): string => (storage ? `_${storage}${unpacks(storage) ? 'unpacked' : ''}` : '');
