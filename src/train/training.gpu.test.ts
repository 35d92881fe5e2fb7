import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { EngineError } from '../base/errors.ts';
import { createLm } from '../lm/params.ts';
import { hasTestGpu, openTestBackend } from '../testing/backend.ts';
import { loadTrainReference } from '../testing/trainReference.ts';
import { describeTraining, small } from '../testing/trainingSuite.ts';
import { openTrainer } from './trainer.ts';

// Without any WebGPU adapter, software included, there is nothing to test on.
describe.skipIf(!(await hasTestGpu()))('with a WebGPU adapter', () => {
  describeTraining('webgpu', () => openTestBackend('webgpu'));

  it('ends a step on a lost device with an error, not with numbers', async () => {
    const backend = await openTestBackend('webgpu');
    const reference = loadTrainReference();
    const [base, lm] = [createLm(reference.config, reference.base), createLm(reference.config, reference.base)];
    const trainer = await openTrainer({ lm, base, rows: reference.rows, config: small });
    await trainer.nextStep();
    (tf.backend() as unknown as { device: GPUDevice }).device.destroy();
    const failure: unknown = await trainer.nextStep().catch((thrown: unknown) => thrown);
    expect(failure).toBeInstanceOf(EngineError);
    expect((failure as EngineError).code).toBe('gpu-error');
    await expect(backend.assertHealthy()).rejects.toMatchObject({ code: 'device-lost' });
    await backend.close();
  });
});
