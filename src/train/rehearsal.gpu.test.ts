import { describe, expect, it } from 'vitest';
import { countsSince, gpuCounters } from '../kernels/webgpu/gpuCounters.ts';
import { createAdapter, initialAdapter, withAdapter } from '../lm/adapter.ts';
import { createLm, readParams } from '../lm/params.ts';
import { hasTestGpu, openTestBackend } from '../testing/backend.ts';
import { loadTrainReference } from '../testing/trainReference.ts';
import { small } from '../testing/trainingSuite.ts';
import { openTrainer } from './trainer.ts';

describe.skipIf(!(await hasTestGpu()))('opening a trainer on WebGPU', () => {
  it('compiles every GPU program of the first step ahead, with progress, and leaves the weights alone', async () => {
    const backend = await openTestBackend('webgpu');
    const reference = loadTrainReference();
    const [base, lm] = [createLm(reference.config, reference.base), createLm(reference.config, reference.base)];
    const told: number[] = [];
    const before = { ...gpuCounters };
    const trainer = await openTrainer({ lm, base, rows: reference.rows, config: small, onCompile: ({ done }) => told.push(done) });
    const opening = countsSince(before);
    expect(opening.pipelineCreations).toBeGreaterThan(10);
    expect(told, 'none is compiled outside').toEqual(Array.from({ length: opening.pipelineCreations + 1 }, (_, done) => done));
    const params = await readParams(lm);
    for (const [name, { data }] of reference.base) expect(params.get(name)?.data, name).toEqual(data);
    const beforeStep = { ...gpuCounters };
    await trainer.nextStep();
    expect(countsSince(beforeStep).pipelineCreations).toBe(0);
    trainer.dispose();
    lm.dispose();
    base.dispose();
    await backend.assertHealthy();
    await backend.close();
  });

  it('does so for an adapter with dropout, too', async () => {
    const backend = await openTestBackend('webgpu');
    const reference = loadTrainReference();
    const base = createLm(reference.config, reference.base);
    const lora = { r: 4, loraAlpha: 8, loraDropout: 0.1, targetModules: ['q_proj', 'v_proj', 'o_proj', 'gate_proj', 'down_proj'], useRslora: false };
    const lm = withAdapter(base, createAdapter(reference.config, lora, initialAdapter(reference.config, lora, 1)));
    const before = await readParams(lm);
    const trainer = await openTrainer({ lm, base, rows: reference.rows, config: { ...small, trainingMethod: 'lora', lora } });
    expect(await readParams(lm)).toEqual(before);
    const beforeStep = { ...gpuCounters };
    await trainer.nextStep();
    expect(countsSince(beforeStep).pipelineCreations).toBe(0);
    expect(await readParams(lm)).not.toEqual(before);
    trainer.dispose();
    lm.dispose();
    base.dispose();
    await backend.assertHealthy();
    await backend.close();
  });
});
