// Entry of the SIMD module: everything that the engine calls. The module owns no memory; it works on tfjs' WASM heap.
export { matMul, matMulScratch } from './matMul';
