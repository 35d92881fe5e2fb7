/**
 * Finds at start-up which WGSL version of the matrix product is fastest on this device. Every version is first checked against the CPU twin:
 * quads of lanes are laid out as we assume on all devices we know of, but no specification promises it. On software adapters, where timing
 * would take seconds, the choice is known and only checked. How packed half precision is decoded is found out here too.
 */
import * as tf from '@tensorflow/tfjs-core';
import { EngineError } from '../../base/errors.ts';
import { Rng } from '../../base/rng.ts';
import { deviceTraits } from '../deviceTraits.ts';
import { tryUnpack } from '../tryUnpack.ts';
import { defaultTuning, type MatMulTuning, onlyTile, type TileName, tiles } from './chooseTile.ts';
import { productForward } from './linear.cpu.ts';
import { matMul2d } from './linear.ts';
import { matMulTuning, setMatMulTuning } from './linear.webgpu.ts';

/** What tuning saw. Rates are empty where nothing was timed. */
export interface MatMulTuningReport {
  tuning: MatMulTuning;
  rates: { tile: TileName; size: 'large' | 'small'; gflops: number }[];
  /** Versions that may not run here, and why. */
  rejected: { tile: TileName; reason: string }[];
}

const transposes = [
  { transposeA: false, transposeB: false },
  { transposeA: false, transposeB: true },
  { transposeA: true, transposeB: false },
] as const;

/** M, N, K of what is timed. */
const timedSizes = { large: [1024, 1024, 512], small: [256, 256, 512] } as const;
/** Aligned and ragged. */
const checkedSizes = [
  [40, 36, 20],
  [21, 35, 9],
] as const;

const random = (size: number, rng: Rng): Float32Array => Float32Array.from({ length: size }, () => rng.normal());

/** Computes small products with the version that is set. @returns why it may not be used, or null */
export async function findFault(): Promise<string | null> {
  const rng = new Rng(1);
  for (const [M, N, K] of checkedSizes)
    for (const { transposeA, transposeB } of transposes) {
      const [x, y] = [random(M * K, rng), random(K * N, rng)];
      const expected = new Float64Array(M * N);
      productForward(x, y, expected, { M, N, K, transposeA, transposeB }, null, null);
      const out = tf.tidy(() => matMul2d(tf.tensor2d(x, transposeA ? [K, M] : [M, K]), tf.tensor2d(y, transposeB ? [N, K] : [K, N]), { transposeA, transposeB }));
      const values = await out.data();
      out.dispose();
      const worst = expected.reduce((most, value, i) => Math.max(most, Math.abs(values[i]! - value)), 0);
      // A float32 sum of 20 products of normal values is right to about 1e-5; NaN fails too.
      if (!(worst < 1e-4)) return `wrong by ${worst} at ${M}x${N}x${K}${transposeA ? ', a transposed' : ''}${transposeB ? ', b transposed' : ''}`;
    }
  return null;
}

/** @returns null if the version that is set compiles here and is right */
async function check(): Promise<string | null> {
  const { device } = tf.backend() as unknown as { device: GPUDevice };
  device.pushErrorScope('validation');
  let fault: string | null = null;
  try {
    fault = await findFault();
  } catch (error) {
    fault = error instanceof Error ? error.message : String(error);
  }
  const invalid = await device.popErrorScope();
  return invalid?.message ?? fault;
}

/** GFLOP/s of the version that is set over all transpositions: time of several products less that of one, so that the read-back drops out. */
async function measure([M, N, K]: readonly [number, number, number]): Promise<number> {
  const repetitions = 8;
  let elapsedMs = 0;
  for (const { transposeA, transposeB } of transposes) {
    const a = tf.zeros(transposeA ? [K, M] : [M, K]);
    const b = tf.zeros(transposeB ? [N, K] : [K, N]);
    const run = async (count: number): Promise<number> => {
      const from = performance.now();
      const last = tf.tidy(() => {
        let out = matMul2d(a, b, { transposeA, transposeB });
        for (let i = 1; i < count; i++) out = matMul2d(a, b, { transposeA, transposeB });
        return tf.slice(out, [0, 0], [1, 1]);
      });
      await last.data();
      last.dispose();
      return performance.now() - from;
    };
    await run(1);
    const one = Math.min(await run(1), await run(1));
    const several = Math.min(await run(repetitions + 1), await run(repetitions + 1));
    // Below the clock's resolution the version is as fast as can be seen.
    elapsedMs += Math.max(several - one, 0.01) / repetitions;
    tf.dispose([a, b]);
  }
  return (transposes.length * 2 * M * N * K) / elapsedMs / 1e6;
}

const known = new WeakMap<GPUDevice, Promise<MatMulTuningReport>>();

async function tune(): Promise<MatMulTuningReport> {
  await tryUnpack();
  const traits = deviceTraits();
  const guess = defaultTuning(traits);
  const rejected: MatMulTuningReport['rejected'] = [];
  const usable = async (tile: TileName): Promise<boolean> => {
    setMatMulTuning(onlyTile(tile));
    const reason = await check();
    if (reason !== null) rejected.push({ tile, reason });
    return reason === null;
  };
  const rates: MatMulTuningReport['rates'] = [];
  if (traits.adapterClass === 'software') {
    const tile = (await usable(guess.large)) ? guess.large : (await usable('register4x4')) ? 'register4x4' : null;
    if (!tile) throw new EngineError('gpu-error', `No version of the matrix product is right on this graphics adapter: ${JSON.stringify(rejected)}`);
    setMatMulTuning({ ...guess, large: tile, small: tile });
    return { tuning: matMulTuning(), rates, rejected };
  }
  const names = (Object.keys(tiles) as TileName[]).filter((name) => traits.subgroups || !name.startsWith('quad'));
  for (const tile of names) {
    if (!(await usable(tile))) continue;
    for (const size of ['large', 'small'] as const) rates.push({ tile, size, gflops: await measure(timedSizes[size]) });
  }
  const fastest = (size: 'large' | 'small'): TileName => {
    const [first, ...others] = rates.filter((rate) => rate.size === size);
    if (!first) throw new EngineError('gpu-error', `No version of the matrix product is right on this graphics adapter: ${JSON.stringify(rejected)}`);
    return others.reduce((best, rate) => (rate.gflops > best.gflops ? rate : best), first).tile;
  };
  setMatMulTuning({ ...guess, large: fastest('large'), small: fastest('small') });
  return { tuning: matMulTuning(), rates, rejected };
}

/**
 * Chooses the version for the device of the active backend, once a device; before it, or on backends other than WebGPU, nothing is needed:
 * products are right without tuning. Call it after the kernels are registered and before pipelines are compiled ahead.
 * @throws EngineError gpu-error if no version gives right results
 */
export async function tuneMatMul(): Promise<MatMulTuningReport> {
  const { device } = tf.backend() as unknown as { device?: GPUDevice };
  if (!device) throw new EngineError('bad-argument', `tuneMatMul is for WebGPU, not for ${tf.getBackend()}.`);
  let report = known.get(device);
  if (!report) {
    const before = matMulTuning();
    report = tune().catch((error: unknown) => {
      setMatMulTuning(before);
      throw error;
    });
    known.set(device, report);
  }
  return report;
}
