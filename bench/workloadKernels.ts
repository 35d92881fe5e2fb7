/** Every kernel against the composition of stock ops (K), and the peak memory of the loss (loss). */
import { openEngine } from './engineProcess.ts';
import type { KernelTimes } from './engines/kernels.ts';
import type { LossPeak } from './lossMemory.ts';
import type { BenchOptions } from './options.ts';
import { progress } from './progress.ts';
import { reasonOf } from './reason.ts';
import type { Report } from './report.ts';

export async function runLossMemory(report: Report): Promise<void> {
  const engine = await openEngine('kernels', { backend: 'wasm' }); // where every tensor is counted exactly
  try {
    const { ratio, peakBytes, tokens, unsafeTokens, V, C } = await engine.call<LossPeak>('lossPeak');
    report.value('loss.peak_bytes_ratio', ratio);
    report.measure('loss.peak', 'MiB', [peakBytes / 2 ** 20], 'lower', `${tokens} tokens, ${unsafeTokens} of them unsafe, V ${V}, C ${C}`);
  } finally {
    engine.close();
  }
}

async function runOn(backend: 'webgpu' | 'wasm', report: Report, { quick, includes }: BenchOptions): Promise<void> {
  const engine = await openEngine('kernels', { backend });
  const [rounds, calls] = quick ? [3, 4] : [7, 8];
  try {
    for (const name of await engine.call<string[]>('list')) {
      const full = `K.${backend}.${name}`;
      if (!includes(full)) continue;
      try {
        await engine.call('check', name);
        await engine.call('time', { name, calls: 2 });
        const samples: KernelTimes[] = [];
        for (let i = 0; i < rounds; i++) samples.push(await engine.call<KernelTimes>('time', { name, calls }));
        report.measure(full, 'times as fast as stock ops', samples.map(({ oursMs, stockMs }) => stockMs / oursMs), 'higher');
      } catch (error) {
        report.notMeasured[full] = reasonOf(error);
      }
    }
    progress(`kernels on ${backend} done`);
  } finally {
    engine.close();
  }
}

export async function runKernels(report: Report, options: BenchOptions): Promise<void> {
  const preferred = options.isHardware ? 'webgpu' : 'wasm';
  // A quick run has time for the backend that the app would choose.
  const backends = options.quick && options.only.length === 0 ? [preferred] as const : options.backends;
  for (const backend of backends) if (options.includes(`K.${backend}`)) await runOn(backend, report, options);
}
