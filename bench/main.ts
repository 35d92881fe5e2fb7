/** `npm run bench`: measures the engine beside its peers, writes results.json and prints a table. The workloads know how to measure. */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describeMachine, type Machine } from './machine.ts';
import { type BenchOptions, parseOptions, usage } from './options.ts';
import { progress } from './progress.ts';
import { reasonOf } from './reason.ts';
import { Report } from './report.ts';
import { type BenchResult, requiredRatios, resultSchema } from './resultSchema.ts';
import { toMarkdown } from './table.ts';
import { runDemoWorkloads } from './workloadDemo.ts';
import { runDemoJob, runFirstLoad } from './workloadJob.ts';
import { runKernels, runLossMemory } from './workloadKernels.ts';
import { runWorkloadM } from './workloadM.ts';
import { runWorkloadS } from './workloadS.ts';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

function versionOf(name: string): string {
  return (JSON.parse(readFileSync(join(here('../node_modules'), name, 'package.json'), 'utf8')) as { version: string }).version;
}

function resultOf(report: Report, machine: Machine, quick: boolean): BenchResult {
  for (const name of requiredRatios) if (!(name in report.ratios)) report.missing(name, 'left out of this run');
  const { adapter, ...rest } = machine;
  return resultSchema.parse({
    device: adapter && !adapter.isSoftware ? adapter.name : machine.cpu,
    ...rest,
    adapter: adapter?.name ?? null,
    date: new Date().toISOString(),
    quick,
    peers: { 'stock tfjs': versionOf('@tensorflow/tfjs-core'), 'jax-js': versionOf('@jax-js/jax'), ...report.peers },
    workloads: report.workloads,
    ratios: report.ratios,
    spreads: report.spreads,
    notMeasured: report.notMeasured,
  });
}

/** Where a complete run is kept: beside, by adapter, when it ran on a hardware GPU. A filtered run is kept nowhere unless asked. */
function outputPath(options: BenchOptions, machine: Machine): string | null {
  if (options.out) return options.out;
  if (options.only.length > 0) return null;
  const { adapter } = machine;
  return here(adapter && !adapter.isSoftware ? `results.${adapter.name.toLowerCase().replace(/[^a-z0-9]+/g, '-')}.json` : 'results.json');
}

function write(path: string, result: BenchResult): void {
  writeFileSync(`${path}.part`, `${JSON.stringify(result, null, 2)}\n`);
  renameSync(`${path}.part`, path);
}

async function main(): Promise<number> {
  const parsed = parseOptions(process.argv.slice(2));
  if (parsed.help) {
    process.stdout.write(`${usage}\n`);
    return 0;
  }
  const machine = await describeMachine();
  const isHardware = machine.adapter !== null && !machine.adapter.isSoftware;
  const options: BenchOptions = { ...parsed, backends: machine.adapter ? ['webgpu', 'wasm'] : ['wasm'], isHardware, cuda: isHardware };
  const path = outputPath(options, machine);
  const recorded = path && existsSync(path) ? resultSchema.safeParse(JSON.parse(readFileSync(path, 'utf8'))).data : undefined;
  const report = new Report();
  if (!machine.adapter) for (const name of requiredRatios.filter((ratio) => ratio.includes('webgpu'))) report.missing(name, 'this machine has no WebGPU adapter');
  for (const { names, run } of workloads) {
    if (!names.some(options.includes)) continue;
    const name = names.join(' and ');
    progress(name);
    try {
      await run(report, options, recorded);
    } catch (error) {
      const reason = reasonOf(error);
      report.notMeasured[name] = reason;
      for (const ratio of requiredRatios) if (!(ratio in report.ratios) && names.some((of) => ratio.startsWith(`${of}.`))) report.missing(ratio, reason);
      progress(`${name} failed: ${error instanceof Error ? error.stack : String(error)}`);
    }
  }
  const result = resultOf(report, machine, options.quick);
  if (path) write(path, result);
  process.stdout.write(`${toMarkdown(result)}\n`);
  return 0;
}

/** Each runs when its name, or something under it, is asked for. */
const workloads: { names: string[]; run: (report: Report, options: BenchOptions, recorded: BenchResult | undefined) => Promise<void> }[] = [
  { names: ['S'], run: runWorkloadS },
  { names: ['D', 'G'], run: runDemoWorkloads },
  { names: ['M'], run: runWorkloadM },
  { names: ['loss'], run: runLossMemory },
  { names: ['K'], run: runKernels },
  { names: ['demo'], run: runDemoJob },
  { names: ['firstLoad'], run: runFirstLoad },
];

// Dawn keeps a process alive.
process.exit(await main());
