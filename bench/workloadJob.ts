/** The whole demo from the command line, and the bytes of the first page. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openEngine } from './engineProcess.ts';
import type { FirstLoad } from './firstLoad.ts';
import type { BenchOptions } from './options.ts';
import type { Report } from './report.ts';
import type { BenchResult } from './resultSchema.ts';

const cli = fileURLToPath(new URL('../scripts/cli.mjs', import.meta.url));

/** Wall seconds of `npm run cli -- demo`, start of the process included. */
function runDemo(out: string): Promise<number> {
  const started = performance.now();
  const child = spawn(process.execPath, [cli, 'demo', '--out', out], { stdio: ['ignore', 'ignore', 'pipe'] });
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaints = (complaints + text).slice(-2000)));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code) => (code === 0 ? resolve((performance.now() - started) / 1000) : reject(new Error(`The demo ended with ${code}: ${complaints.trim().split('\n').at(-1)}`))));
  });
}

/**
 * In a quick run the slow numbers are those of the last full one, and say so.
 * @returns whether that was done
 */
function takeRecorded(name: string, report: Report, { quick, only }: BenchOptions, recorded: BenchResult | undefined): boolean {
  if (!quick || only.length > 0) return false;
  const before = recorded?.ratios[name];
  if (typeof before === 'number') {
    report.value(name, before);
    // Of the run that measured it, also after several quick ones.
    report.notMeasured[name] = recorded?.notMeasured[name] ?? `recorded at commit ${recorded?.commit}, ${recorded?.date.slice(0, 10)}`;
  } else report.missing(name, 'left out of a quick run');
  return true;
}

export async function runDemoJob(report: Report, options: BenchOptions, recorded: BenchResult | undefined): Promise<void> {
  if (takeRecorded('demo.wall_s', report, options, recorded)) return;
  const folder = mkdtempSync(join(tmpdir(), 'sidestep-bench-demo-'));
  try {
    const seconds = await runDemo(join(folder, 'out'));
    report.value('demo.wall_s', seconds);
    report.measure('demo.wall', 's', [seconds], 'lower', 'npm run cli -- demo, once');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export async function runFirstLoad(report: Report, options: BenchOptions, recorded: BenchResult | undefined): Promise<void> {
  if (takeRecorded('firstLoad.kB_gz', report, options, recorded)) return;
  const engine = await openEngine('firstLoad', null);
  try {
    const { bytesGz, engineBytesGz } = await engine.call<FirstLoad>('measure');
    report.value('firstLoad.kB_gz', bytesGz / 1000);
    report.measure('firstLoad.engine', 'kB gz', [engineBytesGz / 1000], 'lower', 'what the worker fetches, apart');
  } finally {
    engine.close();
  }
}
