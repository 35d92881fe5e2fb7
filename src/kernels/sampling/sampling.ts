/**
 * Chooses the next token of each row where its logits are: greedy, or temperature with top-k and top-p, as transformers does. Only ids leave
 * the device. Not for deciding when to stop.
 */
import type * as tf from '@tensorflow/tfjs-core';
import { EngineError } from '../../base/errors.ts';
import { assertTensor } from '../assertShape.ts';
import { type Attributes, type KernelSpec, runKernel } from '../kernelSpec.ts';
import { sampleRow, type SamplingConfig } from './sampling.cpu.ts';
import { sampleTokensProgram } from './sampling.webgpu.ts';

export type { SamplingConfig };

const configFrom = ({ temperature, topK, topP }: Attributes): SamplingConfig => ({ temperature, topK, topP }) as SamplingConfig;

function sampleOnHost(logits: Float32Array, uniforms: Float32Array, ids: Int32Array, config: SamplingConfig): void {
  const V = logits.length / ids.length;
  for (let b = 0; b < ids.length; b++) ids[b] = sampleRow(logits.subarray(b * V, (b + 1) * V), config, uniforms[b]!);
}

const sample: KernelSpec<'logits' | 'uniforms'> = {
  name: 'SidestepSampleTokens',
  outputs: ({ logits }) => [{ shape: [logits.shape[0]!], dtype: 'int32' }],
  host: ({ logits, uniforms }, attributes, [ids]) => sampleOnHost(logits.f32, uniforms.f32, ids!.i32, configFrom(attributes)),
  wasm: (simd, { logits, uniforms }, attributes, [ids]) => {
    const [B, V] = logits.shape as [number, number];
    const { temperature, topK, topP } = configFrom(attributes);
    // Thresholds are rare and short work beside the LM: the twin finds them.
    if (temperature > 0 && (topK > 0 || topP < 1)) return sampleOnHost(simd.f32(logits), simd.f32(uniforms), simd.i32(ids!), { temperature, topK, topP });
    const chunks = Math.min(B, simd.parallel(B * V * 15));
    simd.run('sampleRows', chunks, B, V, temperature > 0 ? 1 / temperature : 0, logits.at, uniforms.at, ids!.at, simd.scratch(chunks * (V + 4) * 4));
  },
  webgpu: ({ logits, uniforms }, attributes, [ids]) => [sampleTokensProgram({ logits, uniforms, ids: ids! }, configFrom(attributes))],
};

export const samplingSpecs = [sample];

/**
 * @param logits   [B, V] float32, borrowed
 * @param config   `topK` keeps all ties at its edge, `topP` the fewest tokens that reach the share (ties by index)
 * @param uniforms [B] float32 in [0, 1), borrowed: a row's draw; not looked at when greedy
 * @returns        [B] int32, owned by the caller: token ids; −1 for a row with NaN or +∞, or with −∞ alone. Greedy takes the first among equals
 * @throws EngineError bad-shape, bad-argument
 */
export function sampleTokens(logits: tf.Tensor, config: SamplingConfig, uniforms: tf.Tensor): tf.Tensor {
  assertTensor('sampleTokens', 'logits', logits, [null, null]);
  assertTensor('sampleTokens', 'uniforms', uniforms, [logits.shape[0]!]);
  const { temperature, topK, topP } = config;
  if (!(temperature >= 0) || !Number.isInteger(topK) || topK < 0 || !(topP > 0 && topP <= 1))
    throw new EngineError('bad-argument', `sampleTokens: temperature ${temperature}, topK ${topK} and topP ${topP} must be at least 0, a whole number, and in (0, 1].`);
  return runKernel(sample.name, { logits, uniforms }, { temperature, topK, topP })[0] as tf.Tensor;
}
