/** Workload S: the training step of a small GPT-2, every engine beside every other in one interleaved run. */
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EngineProcess, openEngine, openPython } from './engineProcess.ts';
import type { MatMulRates } from './engines/matMulRate.ts';
import type { StepSample } from './engines/engine.ts';
import { gpt2Size, makeGpt2Data, modelFlops, tokensPerStep, writeGpt2Data } from './gpt2Step.ts';
import { interleave, pace, type Turn } from './interleave.ts';
import type { BenchOptions } from './options.ts';
import { progress } from './progress.ts';
import { reasonOf } from './reason.ts';
import type { Report } from './report.ts';
import { disagreements, type Rounds, summarize } from './statistics.ts';

/** Steps whose losses must agree; stock tfjs on WebGPU takes ten seconds for each. */
const lossSteps = { full: 4, quick: 3 };
const lossTolerance = 1e-3;
/** A turn of a fast engine is several steps, about this long. */
const turnMs = 500;

interface Entrant {
  name: string;
  open(dataPath: string): Promise<EngineProcess>;
}

function entrants({ backends, cuda }: BenchOptions): Entrant[] {
  const cores = availableParallelism();
  const perBackend = backends.flatMap((backend) => [
    { name: `S.${backend}.ours`, open: (dataPath: string) => openEngine('ours', { backend, dataPath }) },
    { name: `S.${backend}.jax`, open: (dataPath: string) => openEngine('jaxJs', { backend, dataPath }) },
    { name: `S.${backend}.stock`, open: (dataPath: string) => openEngine('stockTfjs', { backend, dataPath }) },
  ]);
  const torch = (name: string, place: string): Entrant => ({ name: `S.torch.${name}`, open: (dataPath) => openPython('peers/torchStep.py', [dataPath, place]) });
  return [...perBackend, torch('cpu1', '1'), ...(cores > 1 ? [torch('cpuAll', String(cores))] : []), ...(cuda ? [torch('cuda', 'cuda')] : [])];
}

/** What one turn brings: steps, or rates of products. */
type Sample = { steps: StepSample } | { rates: Record<string, number> };

class Contest {
  readonly processes = new Map<string, EngineProcess>();
  readonly failures = new Map<string, string>();
  readonly losses = new Map<string, number[]>();
  private readonly stepMs = new Map<string, number>();
  private readonly done = new Map<string, number>();
  /** Of the last turn. */
  private readonly programs = new Map<string, number>();

  async open(all: readonly Entrant[], dataPath: string): Promise<void> {
    await Promise.all(
      all.map(async ({ name, open }) => {
        try {
          this.processes.set(name, await open(dataPath));
        } catch (error) {
          this.fail(name, error);
        }
      }),
    );
  }

  private fail(name: string, error: unknown): void {
    this.failures.set(name, reasonOf(error));
  }

  private async steps(name: string, count: number): Promise<StepSample> {
    const first = this.done.get(name) ?? 0;
    const sample = await this.processes.get(name)!.call<StepSample>('step', { first, count });
    this.done.set(name, first + count);
    if (sample.programs !== null) this.programs.set(name, sample.programs);
    return sample;
  }

  /** The first steps: they warm up, and their losses must agree. An engine that is off is out. */
  async warmUp(names: readonly string[], count: number): Promise<void> {
    for (let step = 0; step < count; step++) {
      for (const name of names) {
        if (this.failures.has(name)) continue;
        try {
          const { elapsedMs, losses } = await this.steps(name, 1);
          this.losses.set(name, [...(this.losses.get(name) ?? []), ...losses]);
          this.stepMs.set(name, elapsedMs);
          progress(`${name}: step ${step + 1} in ${elapsedMs.toFixed(0)} ms, loss ${losses[0]!.toFixed(5)}`);
        } catch (error) {
          this.fail(name, error);
        }
      }
    }
    for (const name of this.failures.keys()) this.losses.delete(name);
    for (const [name, reason] of disagreements(this.losses, lossTolerance)) this.failures.set(name, reason);
  }

  /** Measured turns: steps of every engine, and products of ours. */
  turns(): Turn<Sample>[] {
    const alive = [...this.processes.keys()].filter((name) => !this.failures.has(name));
    const matMuls = alive.filter((name) => name.endsWith('.ours'));
    return [
      ...alive.map((name): Turn<Sample> => {
        const stepMs = this.stepMs.get(name)!;
        const count = Math.max(1, Math.min(40, Math.round(turnMs / stepMs)));
        return { name, expectedMs: stepMs * count, take: async () => ({ steps: await this.steps(name, count) }) };
      }),
      ...matMuls.map((name): Turn<Sample> => ({ name: `${name}.matmul`, expectedMs: 1000, take: () => this.processes.get(name)!.call<MatMulRates>('matMul') })),
    ];
  }

  /** GPU programs a step; null where nothing was measured. */
  programsOf(name: string): number | null {
    return this.failures.has(name) ? null : (this.programs.get(name) ?? null);
  }

  close(): void {
    for (const process of this.processes.values()) process.close();
  }
}

function enter(report: Report, contest: Contest, samples: Map<string, Map<number, Sample>>, backends: BenchOptions['backends']): void {
  const tokensPerSecond = new Map<string, Rounds>();
  for (const [name, rounds] of samples) {
    if (contest.failures.has(name)) continue;
    const rates = new Map([...rounds].flatMap(([round, sample]) => ('steps' in sample ? [[round, (1000 * tokensPerStep * sample.steps.losses.length) / sample.steps.elapsedMs] as const] : [])));
    if (rates.size > 0) tokensPerSecond.set(name, rates);
    report.measure(name, 'tokens/s', rates.values(), 'higher');
  }
  for (const [name, reason] of contest.failures) report.notMeasured[name] = reason;
  const gflops = modelFlops(gpt2Size) / 1e9;
  for (const backend of backends) {
    const ours = `S.${backend}.ours`;
    const why = (...names: string[]): string => names.flatMap((name) => (contest.failures.has(name) ? [`${name}: ${contest.failures.get(name)}`] : [])).join('; ') || 'not in this run';
    for (const peer of ['stock', 'jax']) {
      const theirs = `S.${backend}.${peer}`;
      report.ratio(`S.${backend}.over_${peer}`, tokensPerSecond.get(ours), tokensPerSecond.get(theirs), why(ours, theirs));
    }
    for (const torch of ['cpu1', 'cpuAll', 'cuda']) {
      const theirs = tokensPerSecond.get(`S.torch.${torch}`);
      if (theirs && tokensPerSecond.has(ours)) report.ratio(`S.${backend}.over_torch_${torch}`, tokensPerSecond.get(ours), theirs, '');
    }
    shareOfMatMul(report, backend, gflops, tokensPerSecond.get(ours), samples.get(`${ours}.matmul`), why(ours));
    const programs = contest.programsOf(ours);
    if (backend !== 'webgpu') continue;
    if (programs !== null) report.value('S.webgpu.programs', programs);
    else report.missing('S.webgpu.programs', why(ours));
    for (const peer of ['stock', 'jax']) {
      const theirs = contest.programsOf(`S.webgpu.${peer}`);
      if (theirs !== null) report.value(`S.webgpu.programs_${peer}`, theirs);
    }
  }
}

/** Model FLOPs over (time x best own matmul rate). The rate is that of the best shape, by medians; time and rate are of the same rounds. */
function shareOfMatMul(report: Report, backend: string, gflops: number, ours: Rounds | undefined, samples: ReadonlyMap<number, Sample> | undefined, reason: string): void {
  const name = `S.${backend}.share_of_matmul`;
  const byShape = new Map<string, Map<number, number>>();
  for (const [round, sample] of samples ?? []) {
    for (const [shape, rate] of Object.entries('rates' in sample ? sample.rates : {})) byShape.set(shape, (byShape.get(shape) ?? new Map<number, number>()).set(round, rate));
  }
  const [best] = [...byShape].sort(([, a], [, b]) => summarize([...b.values()], 'higher').median - summarize([...a.values()], 'higher').median);
  if (!ours || !best) return report.missing(name, reason);
  const [shape, rates] = best;
  for (const [other, values] of byShape) report.measure(`matmul.${backend}.${other}`, 'GFLOP/s', values.values(), 'higher', other === shape ? 'the best rate of this run' : undefined);
  const reached = new Map([...ours].map(([round, tokens]) => [round, (gflops * tokens) / tokensPerStep]));
  report.measure(`S.${backend}.ours.rate`, 'GFLOP/s', reached.values(), 'higher', `${gflops.toFixed(2)} GFLOP a step: 6 x matmul parameters x tokens + 6 x layers x width x length x tokens`);
  report.ratio(name, reached, rates, reason);
}

export async function runWorkloadS(report: Report, options: BenchOptions): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'sidestep-bench-'));
  const contest = new Contest();
  try {
    const dataPath = join(folder, 'gpt2');
    writeGpt2Data(dataPath, makeGpt2Data());
    const all = entrants(options).filter(({ name }) => options.includes(name));
    await contest.open(all, dataPath);
    await contest.warmUp(all.map(({ name }) => name), options.quick ? lossSteps.quick : lossSteps.full);
    for (const [name, reason] of contest.failures) progress(`${name}: out: ${reason}`);
    const torch = [...contest.processes].find(([name]) => name.startsWith('S.torch'))?.[1];
    if (torch) report.peers.torch = (await torch.call<{ version: string }>('describe')).version;
    enter(report, contest, await interleave(contest.turns(), pace(options.quick), contest.failures), options.backends);
  } finally {
    contest.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
