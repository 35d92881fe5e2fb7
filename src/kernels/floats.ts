/** The arrays a CPU twin works on: float32 in the engine, float64 where a test checks gradients. */
export type Floats = Float32Array | Float64Array;
