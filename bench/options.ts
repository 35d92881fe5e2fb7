/** The command line of `npm run bench`. */
import { parseArgs } from 'node:util';

export interface BenchOptions {
  quick: boolean;
  /** Names that begin with one of these; empty is all. */
  only: string[];
  /** Where results go; null for not at all. */
  out: string | null;
  backends: ('webgpu' | 'wasm')[];
  /** Whether the adapter is a GPU: then it, not WASM, is what the app chooses. */
  isHardware: boolean;
  /** Whether PyTorch on a CUDA device is asked for. */
  cuda: boolean;
  /** Whether a workload of this name is in this run. */
  includes(name: string): boolean;
}

export const usage = `npm run bench -- [--quick] [--only <name>[,<name>]] [--out <file>]
  --quick   3 minutes instead of 13
  --only    only what begins with these names, e.g. S.wasm or D,G; then nothing is written unless --out says where
  --out     where to write; bench/results.json, or bench/results.<adapter>.json on a hardware GPU`;

/** @throws TypeError for an unknown option */
export function parseOptions(args: string[]): Pick<BenchOptions, 'quick' | 'only' | 'out' | 'includes'> & { help: boolean } {
  const { values } = parseArgs({ args, options: { quick: { type: 'boolean', default: false }, only: { type: 'string' }, out: { type: 'string' }, help: { type: 'boolean', default: false } } });
  const only = values.only?.split(',').filter(Boolean) ?? [];
  return {
    quick: values.quick,
    only,
    out: values.out ?? null,
    help: values.help,
    // A filter names a workload, a group of them ("S.wasm"), or something inside one that must then run ("S.wasm.ours").
    includes: (name) => only.length === 0 || only.some((wanted) => name === wanted || name.startsWith(`${wanted}.`) || wanted.startsWith(`${name}.`)),
  };
}
