/** The whole demo from the command line, and the bytes of the first page. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
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

export async function runDemoJob(report: Report, { quick, only }: BenchOptions, recorded: BenchResult | undefined): Promise<void> {
  if (quick && only.length === 0) {
    const before = recorded?.ratios['demo.wall_s'];
    if (typeof before !== 'number') return report.missing('demo.wall_s', 'left out of a quick run');
    report.value('demo.wall_s', before);
    // Of the run that measured it, also after several quick ones.
    report.notMeasured['demo.wall_s'] = recorded?.notMeasured['demo.wall_s'] ?? `recorded at commit ${recorded?.commit}, ${recorded?.date.slice(0, 10)}`;
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), 'sidestep-bench-demo-'));
  try {
    const seconds = await runDemo(join(folder, 'out'));
    report.value('demo.wall_s', seconds);
    report.measure('demo.wall', 's', [seconds], 'lower', 'npm run cli -- demo, once');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
