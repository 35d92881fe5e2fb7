/** Workloads D (semantic step against plain step) and G (generation, batch 1 against 32) on the embedded demo LM. */
import { type EngineProcess, openEngine } from './engineProcess.ts';
import type { GenerateRequest, TimedTokens, TrainRequest } from './engines/demoLm.ts';
import { interleave, pace } from './interleave.ts';
import type { BenchOptions } from './options.ts';
import { progress } from './progress.ts';
import type { Report } from './report.ts';

const stepsPerTurn = 3;
const newTokens = 32;
const throughput = ({ elapsedMs, tokens }: TimedTokens): number => (1000 * tokens) / elapsedMs;

/** What of both workloads this run measures, as turns of one engine process. */
function subjects(engine: EngineProcess, name: (of: string) => string, options: BenchOptions): { name: string; take(): Promise<TimedTokens> }[] {
  const train = (mode: TrainRequest['mode']) => ({
    name: name(`D.${mode}`),
    take: () => engine.call<TimedTokens>('train', { mode, count: stepsPerTurn } satisfies TrainRequest),
  });
  const generate = (batchSize: number) => ({
    name: name(`G.batch${batchSize}`),
    take: () => engine.call<TimedTokens>('generate', { batchSize, tokens: newTokens } satisfies GenerateRequest),
  });
  return [...(options.includes('D') ? [train('semantic'), train('sft')] : []), ...(options.includes('G') ? [generate(1), generate(32)] : [])];
}

/**
 * @param backend whose numbers these are
 * @param prefix  inserted after the letter of the workload where this is not the backend that the app would choose
 */
async function runOn(backend: 'webgpu' | 'wasm', prefix: string, report: Report, options: BenchOptions): Promise<void> {
  const name = (of: string): string => of.replace('.', `.${prefix}`);
  const engine = await openEngine('demoLm', { backend });
  const failures = new Map<string, string>();
  try {
    const all = subjects(engine, name, options);
    const expectedMs = new Map<string, number>();
    for (const { name: subject, take } of all) {
      await take(); // compiles, and prepares the rows
      expectedMs.set(subject, (await take()).elapsedMs);
      progress(`${subject} on ${backend}: ${expectedMs.get(subject)!.toFixed(0)} ms a turn`);
    }
    const samples = await interleave(all.map(({ name: subject, take }) => ({ name: subject, expectedMs: expectedMs.get(subject)!, take })), pace(options.quick), failures);
    const of = (subject: string): Map<number, number> => new Map([...(samples.get(name(subject)) ?? [])].map(([round, sample]) => [round, throughput(sample)]));
    for (const { name: subject } of all) report.measure(subject, 'tokens/s', [...samples.get(subject)!.values()].map(throughput), 'higher', `on ${backend}`);
    const reason = [...failures.values()].join('; ');
    // Times, so the plain step's throughput stands above.
    if (options.includes('D')) report.ratio(name('D.semantic_over_sft'), of('D.sft'), of('D.semantic'), reason);
    if (options.includes('G')) report.ratio(name('G.batch32_over_1'), of('G.batch32'), of('G.batch1'), reason);
  } finally {
    engine.close();
  }
}

export async function runDemoWorkloads(report: Report, options: BenchOptions): Promise<void> {
  const [preferred, other] = options.isHardware ? (['webgpu', 'wasm'] as const) : (['wasm', 'webgpu'] as const);
  await runOn(preferred, '', report, options);
  if (!options.quick && options.backends.includes(other)) await runOn(other, `${other}.`, report, options);
}
