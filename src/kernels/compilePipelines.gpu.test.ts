import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenedBackend } from '../device/openDevice.ts';
import { hasTestGpu, openTestBackend } from '../testing/backend.ts';
import { download } from '../testing/gpuCase.ts';
import { type CompileProgress, compilePipelines } from './compilePipelines.ts';
import { readLater } from './readLater.ts';
import { countUniform, lineMain, lineWorkgroups, runWgsl, type WebGpuHost } from './runWgsl.ts';
import { countsSince, gpuCounters } from './webgpu/gpuCounters.ts';

const backend = (): WebGpuHost => tf.backend() as unknown as WebGpuHost;

/** x ← factor · x, in place; the factor is part of the code. */
function scale(x: tf.Tensor, factor: string): void {
  runWgsl(backend(), {
    key: `compileTestScale_${factor}`,
    bindings: [{ name: 'x', tensor: x, element: 'f32', access: 'read_write' }],
    uniforms: [countUniform(x.size)],
    code: () => `${lineMain}\n x[i] = ${factor} * x[i]; }`,
    workgroups: lineWorkgroups(x.size),
  });
}

describe.skipIf(!(await hasTestGpu()))('compilePipelines', () => {
  let opened: OpenedBackend;
  beforeAll(async () => {
    opened = await openTestBackend('webgpu');
  });
  afterAll(() => opened.close());

  it('compiles all that the work will run, stock kernels too, and changes nothing: then the work compiles nothing', async () => {
    const x = tf.tensor1d([1, 2, 3]);
    scale(x, '2.0');
    await opened.assertHealthy();
    const { numTensors } = tf.memory();
    const work = (): tf.Tensor => {
      scale(x, '3.0');
      const y = tf.tidy(() => tf.mul(tf.softplus(tf.tensor1d([0, 1, 2])), 2));
      scale(y, '5.0');
      return y;
    };
    const before = { ...gpuCounters };
    const told: CompileProgress[] = [];
    const compiled = await compilePipelines(() => work().dispose(), (progress) => told.push(progress));
    expect(countsSince(before)).toMatchObject({ programs: 0, submits: 0, bytesUploaded: 0, bufferCreations: 0, pipelineCreations: compiled });
    expect(compiled).toBe(4);
    expect(told).toEqual([0, 1, 2, 3, 4].map((done) => ({ done, total: 4 })));
    expect(tf.memory().numTensors).toBe(numTensors);

    const compiledBefore = gpuCounters.pipelineCreations;
    const [y, scaled] = await download(opened, [work(), x]);
    expect(gpuCounters.pipelineCreations).toBe(compiledBefore);
    expect(Array.from(scaled!)).toEqual([6, 12, 18]);
    expect(y![0]! / 10).toBeCloseTo(Math.log(2), 5);
    expect(await compilePipelines(() => {}, () => expect.unreachable())).toBe(0);
  });

  it('compiles also what tfjs would compute on the CPU for being small', async () => {
    tf.env().set('WEBGPU_CPU_FORWARD', true);
    const work = (): tf.Tensor => tf.tidy(() => tf.neg(tf.concat([tf.relu(tf.tensor1d([1, -2])), tf.tensor1d([3])])));
    await compilePipelines(() => work().dispose());
    expect(tf.env().getBool('WEBGPU_CPU_FORWARD')).toBe(true);
    tf.env().set('WEBGPU_CPU_FORWARD', false);
    expect(Array.from((await download(opened, work()))[0]!)).toEqual([-1, -0, -3]);
  });

  it('gives zeros to what reads in a dry run, and the true values afterwards', async () => {
    const x = tf.relu(tf.tensor1d([4, 5]));
    let dry: number[] = [];
    await compilePipelines(async () => {
      dry = [...(await x.data()), ...(await readLater(x))];
    });
    expect(dry).toEqual([0, 0, 0, 0]);
    expect(Array.from((await download(opened, x))[0]!)).toEqual([4, 5]);
  });

  it('names the program that does not compile and what the compiler says; the device stays healthy and other work goes on', async () => {
    const x = tf.ones([3]);
    await expect(compilePipelines(() => scale(x, 'noSuchName'))).rejects.toMatchObject({ code: 'gpu-error', message: expect.stringMatching(/"compileTestScale_noSuchName".*line \d+:\d+ .*noSuchName/s) });
    await opened.assertHealthy();
    scale(x, '7.0');
    expect(Array.from((await download(opened, x))[0]!)).toEqual([7, 7, 7]);
  });

  it('passes on what the work throws, and leaves stock kernels usable', async () => {
    await expect(
      compilePipelines(() => {
        tf.tidy(() => void tf.cosh(tf.ones([2])));
        throw new RangeError('no such row');
      }),
    ).rejects.toThrow('no such row');
    const [values] = await download(opened, tf.cosh(tf.zeros([2])));
    expect(Array.from(values!)).toEqual([1, 1]);
  });
});
