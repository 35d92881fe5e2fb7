import { afterEach, describe, expect, it } from 'vitest';
import { defaultEvaluationConfig } from '../config/evaluation.ts';
import { defaultGenerationConfig } from '../config/generation.ts';
import { parseTrainConfig } from '../config/train.ts';
import { createMemoryFileStore } from '../loader/memoryFileStore.ts';
import type { RangeStore } from '../loader/rangeStore.ts';
import type { Jobs } from '../protocol/jobs.ts';
import { hasTestGpu } from '../testing/backend.ts';
import { type EngineHarness, openHarness, tinyModelFiles, tinyPrompts } from '../testing/engineHarness.ts';
import { openNodeGpu } from '../testing/nodeGpu.ts';

let open: EngineHarness | null = null;
afterEach(async () => {
  await open?.session.close();
  open = null;
});

/** The GPU of this machine, with a way to lose the device that was requested last, and to spoil shaders. */
async function spyOnGpu(): Promise<{ gpu: GPU; loseDevice: () => void; spoilShaders: () => void; provokeError: () => void }> {
  const real = (await openNodeGpu()) as GPU;
  let device: GPUDevice | null = null;
  let spoil = false;
  const passOn = <T extends object>(target: T, over: Partial<Record<keyof T, unknown>>): T =>
    new Proxy(target, {
      get(object, key) {
        if (key in over) return over[key as keyof T];
        const value = Reflect.get(object, key, object) as unknown;
        return typeof value === 'function' ? (value.bind(object) as unknown) : value;
      },
    });
  const gpu = passOn(real, {
    requestAdapter: async (options?: GPURequestAdapterOptions) => {
      const adapter = await real.requestAdapter(options);
      if (!adapter) return null;
      return passOn(adapter, {
        requestDevice: async (descriptor?: GPUDeviceDescriptor) => {
          device = await adapter.requestDevice(descriptor);
          const createShaderModule = device.createShaderModule.bind(device);
          device.createShaderModule = (shader) => createShaderModule(spoil ? { ...shader, code: shader.code.replaceAll('exp(', 'cos(') } : shader);
          return device;
        },
      });
    },
  });
  return { gpu, loseDevice: () => device?.destroy(), spoilShaders: () => (spoil = true), provokeError: () => void device?.createShaderModule({ code: 'this is no shader' }) };
}

async function openEngine(gpu: GPU, files: RangeStore = createMemoryFileStore()): Promise<EngineHarness> {
  await open?.session.close();
  open = await openHarness(files, gpu);
  await open.run('openEngine', { backend: 'webgpu', allowSoftwareAdapter: true });
  await open.run('loadModel', { source: tinyModelFiles() });
  return open;
}

const pairs = (set: string) => [0, 1, 2, 3].map((n) => ({ prompt: `${set} ${n}?`, response: `Yes, ${n} and ${set}.`, intent: `i${n}` }));
const trainParams: Jobs['train']['params'] = {
  name: 'tiny run',
  config: parseTrainConfig({ maxSteps: 4, evalSteps: 2, saveSteps: 2, benignPerStep: 2, unsafePerStep: 2, learningRate: 5e-3, warmupSteps: 1 }),
  data: { unsafe: pairs('unsafe'), everyday: pairs('everyday'), borderline: pairs('borderline') },
  validation: tinyPrompts,
  evaluation: { ...defaultEvaluationConfig, maxNewTokens: 4, coherenceSamples: 8, batchSize: 8 },
  lexicon: null,
  humanLabels: [],
};

// Without any WebGPU adapter, software included, there is nothing to test on.
describe.skipIf(!(await hasTestGpu()))('the engine session on WebGPU', () => {
  it('passes the preflight, trains and generates with no tensor left and flat GPU memory', async () => {
    const { gpu } = await spyOnGpu();
    const engine = await openEngine(gpu);
    const job = async () => {
      const run = await engine.run('train', trainParams);
      await engine.run('generate', { prompts: tinyPrompts, samplesPerPrompt: 1, config: { ...defaultGenerationConfig, maxNewTokens: 25, temperature: 0 }, weights: { kind: 'base' }, lexicon: null });
      return { run, memory: await engine.run('measureMemory', {}) };
    };
    const before = await engine.run('measureMemory', {});
    const [first, second] = [await job(), await job()];
    expect(first.run.metrics).toHaveLength(4);
    expect(first.memory.numTensors).toBe(before.numTensors);
    expect(second.memory).toEqual(first.memory);
  });

  it('tells how many kernels are compiled, before the first step of a run and while the engine opens', async () => {
    const engine = await openEngine((await spyOnGpu()).gpu);
    await engine.run('train', trainParams);
    const compiling = engine.events.flatMap((event) => (event.type === 'progressed' && event.progress.unit === 'kernels' ? [event.progress] : []));
    for (const phase of ['compiling kernels for WebGPU', 'compiling kernels']) {
      const told = compiling.filter((progress) => progress.phase === phase);
      const { total } = told[0]!;
      expect(total, phase).toBeGreaterThan(0);
      expect(told.at(-1), phase).toMatchObject({ done: total, total });
    }
    const firstStep = engine.events.findIndex((event) => event.type === 'stepsLogged');
    expect(engine.events.findLastIndex((event) => event.type === 'progressed' && event.progress.unit === 'kernels')).toBeLessThan(firstStep);
  });

  it('counts a software adapter as no GPU unless it is asked for, and says so', async () => {
    const { gpu } = await spyOnGpu();
    const info = (await gpu.requestAdapter())?.info;
    open = await openHarness(createMemoryFileStore(), gpu);
    const view = await open.run('openEngine', { backend: 'auto', allowSoftwareAdapter: false });
    const isSoftware = /swiftshader|llvmpipe|software/i.test(`${info?.architecture} ${info?.description} ${info?.device}`);
    expect(view.backend).toBe(isSoftware ? 'wasm' : 'webgpu');
    expect(view.rejected.map((rejected) => rejected.backend)).toEqual(isSoftware ? ['webgpu'] : []);
  });

  it('rejects a GPU that computes wrong numbers, with the reason, and takes WebAssembly instead', async () => {
    const { gpu, spoilShaders } = await spyOnGpu();
    spoilShaders();
    open = await openHarness(createMemoryFileStore(), gpu);
    const view = await open.run('openEngine', { backend: 'auto', allowSoftwareAdapter: true });
    expect(view.backend).toBe('wasm');
    expect(view.rejected[0]?.reason).toMatch(/test training step gave wrong numbers|not finite|stopped at step/);
    await expect(open.run('openEngine', { backend: 'webgpu', allowSoftwareAdapter: true })).rejects.toMatchObject({ code: 'unsupported' });
  });

  it('fails what runs when the GPU reports an error, and gives itself up: its numbers cannot be trusted', async () => {
    const { gpu, provokeError } = await spyOnGpu();
    const engine = await openEngine(gpu);
    engine.listen((event) => {
      if (event.type === 'evaluated' && event.point.step === 0) provokeError();
    });
    await expect(engine.run('train', trainParams)).rejects.toMatchObject({ code: 'gpu-error' });
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(engine.events.at(-1)).toMatchObject({ type: 'deviceLost' });
    expect((await engine.run('listRuns', {}))[0]).toMatchObject({ status: 'failed', failure: { code: 'gpu-error' } });
  });

  it('ends a run on a lost device with a clear failure, says so, and resumes the run with the same losses', async () => {
    const files = createMemoryFileStore();
    const { gpu, loseDevice } = await spyOnGpu();
    const engine = await openEngine(gpu, files);
    const whole = await engine.run('train', trainParams);
    let lost = false;
    engine.listen((event) => {
      if (event.type === 'evaluated' && event.point.step === 2 && !lost) {
        lost = true;
        // A little later, when step 2 is saved and step 3 under way.
        setTimeout(loseDevice, 0);
      }
    });
    await expect(engine.run('train', trainParams)).rejects.toMatchObject({ code: 'device-lost' });
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(engine.events.at(-1)).toMatchObject({ type: 'deviceLost' });

    const later = await openEngine((await spyOnGpu()).gpu, files);
    const failed = (await later.run('listRuns', {})).find((run) => run.id !== whole.id)!;
    expect(failed).toMatchObject({ status: 'failed', failure: { code: 'device-lost' } });
    const resumed = await later.run('resumeRun', { runId: failed.id });
    expect(resumed.metrics.map((step) => step.lossTotal)).toEqual(whole.metrics.map((step) => step.lossTotal));
    expect(resumed.failure).toBeUndefined();
  });
});
