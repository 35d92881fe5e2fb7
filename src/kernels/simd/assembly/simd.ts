// Entry of the SIMD module: everything that the engine calls. The module owns no memory; it works on tfjs' WASM heap.
//
// Every exported function begins with (chunk: i32, chunks: i32): it does that share of the work and nothing else, because several
// threads call it at once, each with other chunks and in no order (`simd.run` in openSimd.ts).
// - Each output value is written by one chunk, and its arithmetic does not depend on `chunks`: results are the same bit for bit for
//   every number of threads. Reductions go over fixed blocks, whose sums JS or a later kernel adds in order (sumSquares), or over all
//   rows by columns (normGainGrad).
// - `chunks` may exceed the units of work: an empty share must do nothing. `chunkStart` in vector.ts splits.
// - Scratch memory is `chunks` times one chunk's: `scratch + chunk * bytes`.
// - No results by value, no globals, no data section (no array literals, no strings), no memory but what the arguments point to.
//   Arguments are i32, usize (bytes), f32 or f64.
export { matMulTiles, packPanels } from './matMul';
export { matMulRowsDeep, matMulRowsWide } from './matMulRows';
export { attentionFused, attentionFusedGrad } from './attentionFused';
export { appendKv, cachedAttention } from './cachedAttention';
export { headLossLogitGrad, headLossSweep, scaleColumns } from './headLoss';
export { addEmbeddingGrad, embedTokens, scatterRows } from './embedding';
export { addColumnSums } from './columnSums';
export { addColumns, takeColumns } from './columns';
export { dropout } from './dropout';
export { gelu, geluGrad } from './gelu';
export { headGainGrad, headNorm, headNormGrad } from './headNorm';
export { norm, normGainGrad, normGrad } from './norm';
export { ropeInPlace } from './rope';
export { adamW, sumSquares } from './elements';
export { gatedActivation, gatedActivationGrad } from './gatedActivation';
export { sampleRows } from './sampling';
