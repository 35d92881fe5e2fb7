/** Workload M: a 12-layer LM of width 512 on a small batch, with and without gradient checkpointing. */
import { openEngine } from './engineProcess.ts';
import type { MediumSample } from './engines/mediumLm.ts';
import { mediumSize } from './gpt2Step.ts';
import { interleave, pace } from './interleave.ts';
import type { BenchOptions } from './options.ts';
import { progress } from './progress.ts';
import type { Report } from './report.ts';

const modes = [
  { name: 'M', gradientCheckpointing: false },
  { name: 'M.checkpointing', gradientCheckpointing: true },
];

export async function runWorkloadM(report: Report, options: BenchOptions): Promise<void> {
  const backend = options.isHardware ? 'webgpu' : 'wasm';
  const engine = await openEngine('mediumLm', { backend });
  const failures = new Map<string, string>();
  try {
    const take = (gradientCheckpointing: boolean) => engine.call<MediumSample>('step', { gradientCheckpointing });
    await take(false); // compiles
    const { elapsedMs } = await take(true);
    progress(`M on ${backend}: ${elapsedMs.toFixed(0)} ms a step`);
    const turns = modes.map(({ name, gradientCheckpointing }) => ({ name, expectedMs: elapsedMs, take: () => take(gradientCheckpointing) }));
    const samples = await interleave(turns, { ...pace(options.quick), budgetMs: options.quick ? 6000 : 30_000 }, failures);
    const { numLayers, hiddenSize, batchSize, seqLength } = mediumSize;
    const note = `${numLayers} layers, width ${hiddenSize}, ${batchSize} x ${seqLength} tokens, on ${backend}`;
    const of = (name: string, field: keyof MediumSample): Map<number, number> => new Map([...(samples.get(name) ?? [])].map(([round, sample]) => [round, sample[field]]));
    for (const { name } of modes) {
      report.measure(`${name}.step`, 'ms', of(name, 'elapsedMs').values(), 'lower', note);
      report.measure(`${name}.peak`, 'MiB', [...of(name, 'peakBytes').values()].map((bytes) => bytes / 2 ** 20), 'lower', 'tensors beyond weights and gradients');
    }
    const reason = [...failures.values()].join('; ');
    report.ratio('M.checkpointing_time_ratio', of('M.checkpointing', 'elapsedMs'), of('M', 'elapsedMs'), reason);
    report.ratio('M.checkpointing_peak_ratio', of('M.checkpointing', 'peakBytes'), of('M', 'peakBytes'), reason);
  } finally {
    engine.close();
  }
}
