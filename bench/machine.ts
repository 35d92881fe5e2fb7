/** What the numbers were measured on. */
import { execFileSync } from 'node:child_process';
import { availableParallelism, cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { openNodeGpu } from '../src/testing/nodeGpu.ts';

export interface Machine {
  cpu: string;
  cores: number;
  node: string;
  commit: string;
  /** null without WebGPU. */
  adapter: { name: string; isSoftware: boolean } | null;
}

const root = fileURLToPath(new URL('..', import.meta.url));

function commit(): string {
  try {
    const git = (...args: string[]): string => execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    return git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain', '--', 'src', 'bench/engines') ? '+' : '');
  } catch {
    return 'unknown'; // a copy without its history is a fine place to measure
  }
}

export async function describeMachine(): Promise<Machine> {
  const info = await (await openNodeGpu())?.requestAdapter().then((adapter) => (adapter as unknown as { info: GPUAdapterInfo } | null)?.info);
  const name = info ? info.description || `${info.vendor} ${info.architecture}`.trim() : '';
  return {
    cpu: cpus()[0]?.model.trim() || 'unknown CPU',
    cores: availableParallelism(),
    node: process.version,
    commit: commit(),
    adapter: info ? { name, isSoftware: /swiftshader|llvmpipe|lavapipe|software/i.test(`${name} ${info.architecture}`) } : null,
  };
}
