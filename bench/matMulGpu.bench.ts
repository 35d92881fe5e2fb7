/**
 * GFLOP/s of the versions of the matrix product on WebGPU and of stock tfjs, interleaved, at the shapes of a GPT training step (512 tokens,
 * width 128, vocabulary 2048). Wall time when the machine is idle; CPU time of this process as well on a software adapter, where it is fair
 * on a busy machine.
 * Run: npx tsx bench/matMulGpu.bench.ts [repetitions]
 */
import * as tf from '@tensorflow/tfjs-core';
import { openBackend } from '../src/device/openDevice.ts';
import { deviceTraits } from '../src/kernels/deviceTraits.ts';
import { tuneMatMul } from '../src/kernels/matMul/autotune.ts';
import { onlyTile, type TileName, tiles } from '../src/kernels/matMul/chooseTile.ts';
import { matMul2d } from '../src/kernels/matMul/linear.ts';
import { setMatMulTuning } from '../src/kernels/matMul/linear.webgpu.ts';
import { registerKernels } from '../src/kernels/registerKernels.ts';
import { openNodeGpu } from '../src/testing/nodeGpu.ts';

const shapes = [
  { name: 'q|k|v        NT', M: 512, K: 128, N: 384, transposeA: false, transposeB: true },
  { name: 'MLP up       NT', M: 512, K: 128, N: 512, transposeA: false, transposeB: true },
  { name: 'MLP down     NT', M: 512, K: 512, N: 128, transposeA: false, transposeB: true },
  { name: 'LM head      NT', M: 512, K: 128, N: 2048, transposeA: false, transposeB: true },
  { name: 'MLP up grad  NN', M: 512, K: 512, N: 128, transposeA: false, transposeB: false },
  { name: 'weight grad  TN', M: 512, K: 512, N: 128, transposeA: true, transposeB: false },
];

interface Turn {
  name: string;
  run(): tf.Tensor;
  wallMs: number[];
  cpuMs: number[];
}

const repetitions = Number(process.argv[2] ?? 5);
const median = (values: number[]): number => [...values].sort((p, q) => p - q)[Math.floor(values.length / 2)] as number;

const gpu = await openNodeGpu();
if (!gpu) throw new Error('This machine has no WebGPU adapter.');
await openBackend('webgpu', { allowSoftwareAdapter: true, gpu });
const stock = tf.getKernel('BatchMatMul', 'webgpu').kernelFunc;
registerKernels('webgpu');
const traits = deviceTraits();
const from = performance.now();
const report = await tuneMatMul();
console.log(`${traits.vendor} ${traits.architecture} (${traits.adapterClass}), Node ${process.version}; tuned in ${(performance.now() - from).toFixed(0)} ms: ${JSON.stringify(report)}`);

const names = (Object.keys(tiles) as TileName[]).filter((name) => traits.subgroups || !name.startsWith('quad'));
for (const { name, M, K, N, transposeA, transposeB } of shapes) {
  const a = tf.randomNormal<tf.Rank.R2>(transposeA ? [K, M] : [M, K]);
  const b = tf.randomNormal<tf.Rank.R2>(transposeB ? [N, K] : [K, N]);
  const runStock = (): tf.Tensor => tf.engine().makeTensorFromTensorInfo(stock({ inputs: { a, b }, attrs: { transposeA, transposeB }, backend: tf.backend() }) as tf.TensorInfo);
  const turns: Turn[] = [
    ...names.map((tile): Turn => ({
      name: tile,
      run: () => {
        setMatMulTuning(onlyTile(tile));
        return matMul2d(a, b, { transposeA, transposeB });
      },
      wallMs: [],
      cpuMs: [],
    })),
    { name: 'stock tfjs', run: runStock, wallMs: [], cpuMs: [] },
  ];
  const once = async ({ run, wallMs, cpuMs }: Turn, keep: boolean): Promise<void> => {
    const count = 3;
    const before = process.cpuUsage();
    const start = performance.now();
    const last = tf.tidy(() => {
      let out = run();
      for (let i = 1; i < count; i++) out = run();
      return tf.slice(out, [0, 0], [1, 1]);
    });
    await last.data();
    if (keep) {
      wallMs.push((performance.now() - start) / count);
      const { user, system } = process.cpuUsage(before);
      cpuMs.push((user + system) / 1000 / count);
    }
    last.dispose();
  };
  for (const turn of turns) await once(turn, false);
  for (let i = 0; i < repetitions; i++) for (const turn of turns) await once(turn, true);
  const rate = (ms: number): string => ((2 * M * K * N) / ms / 1e6).toFixed(2).padStart(8);
  console.log(`\n${name} ${M}x${K}x${N}: GFLOP/s by wall time (median, best), by CPU time`);
  for (const turn of turns) console.log(`  ${turn.name.padEnd(14)} ${rate(median(turn.wallMs))} ${rate(Math.min(...turn.wallMs))} ${rate(median(turn.cpuMs))}`);
  tf.dispose([a, b]);
}
process.exit(0);
