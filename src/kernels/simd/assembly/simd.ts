// Entry of the SIMD module: everything that the engine calls. The module owns no memory; it works on tfjs' WASM heap.
export { matMul, matMulScratch } from './matMul';
export { attention, attentionGrad } from './attention';
export { crossEntropy, crossEntropyGrad, rmsNorm, rmsNormGrad } from './rows';
export { rope } from './rope';
export { adamW, sumSquares, swiGlu, swiGluGrad } from './elements';
