/** The results as a Markdown table. */
import type { BenchResult } from './resultSchema.ts';

/** Floor and aim of a ratio; `atMost` where smaller is better. */
const goals: Record<string, { text: string; floor: number; aim: number; atMost?: true }> = {
  'S.webgpu.over_stock': { text: 'training step S on WebGPU, tokens/s over stock tfjs', floor: 8, aim: 14 },
  'S.webgpu.over_jax': { text: 'training step S on WebGPU, tokens/s over jax-js', floor: 1.8, aim: 3 },
  'S.wasm.over_stock': { text: 'training step S on WASM, tokens/s over stock tfjs', floor: 15, aim: 35 },
  'S.wasm.over_jax': { text: 'training step S on WASM, tokens/s over jax-js', floor: 2, aim: 3.3 },
  'S.webgpu.share_of_matmul': { text: 'model FLOPs of S over time x best own matmul rate, WebGPU', floor: 0.4, aim: 0.65 },
  'S.wasm.share_of_matmul': { text: 'model FLOPs of S over time x best own matmul rate, WASM', floor: 0.6, aim: 0.8 },
  'S.webgpu.programs': { text: 'GPU programs a step of S', floor: 150, aim: 60, atMost: true },
  'D.semantic_over_sft': { text: 'semantic step over plain SFT step, same tokens (demo LM)', floor: 1.3, aim: 1.1, atMost: true },
  'loss.peak_bytes_ratio': { text: 'peak bytes of the loss over those of B·T·(C + 2) floats, V 50 257', floor: 4, aim: 2, atMost: true },
  'G.batch32_over_1': { text: 'generation, tokens/s of batch 32 over batch 1 (demo LM)', floor: 8, aim: 16 },
  'demo.wall_s': { text: '`npm run cli -- demo`, seconds', floor: 60, aim: 25, atMost: true },
  'firstLoad.kB_gz': { text: 'bytes before the first interaction, kB compressed', floor: 250, aim: 180, atMost: true },
};

const digits = (value: number): string => (Math.abs(value) >= 100 ? value.toFixed(0) : Math.abs(value) >= 10 ? value.toFixed(1) : value.toFixed(2));
const row = (...cells: string[]): string => `| ${cells.join(' | ')} |`;

function verdict(name: string, value: number): string {
  const goal = goals[name];
  if (!goal) return '';
  const reaches = (limit: number): boolean => (goal.atMost ? value <= limit : value >= limit);
  return reaches(goal.aim) ? 'aim met' : reaches(goal.floor) ? 'floor met' : 'below the floor';
}

export function toMarkdown(result: BenchResult): string {
  const { device, adapter, cores, node, commit, date, quick, peers, ratios, spreads, workloads, notMeasured } = result;
  const peerNames = Object.entries(peers).map(([name, version]) => `${name} ${version}`);
  const lines = [
    `Measured on ${device}, ${cores} cores${adapter && adapter !== device ? `, WebGPU on ${adapter}` : ''}, Node ${node}, commit ${commit}, ${date.slice(0, 10)}${quick ? ', quick run' : ''}. Peers: ${peerNames.join(', ')}.`,
    '',
    row('measure', 'value', 'quartiles', 'floor / aim', ''),
    row('---', '---:', '---', '---', '---'),
  ];
  for (const [name, value] of Object.entries(ratios)) {
    const goal = goals[name];
    const spread = spreads[name]?.map(digits).join(' to ') ?? '';
    const shown = value === null ? 'not measured' : digits(value);
    const last = value === null ? notMeasured[name]! : [verdict(name, value), notMeasured[name] ?? ''].filter(Boolean).join('; ');
    lines.push(row(goal ? `${goal.text} (${name})` : name, shown, spread, goal ? `${goal.atMost ? '≤ ' : ''}${goal.floor} / ${goal.aim}` : '', last));
  }
  lines.push('', row('workload', 'median', 'quartiles', 'best', 'rounds', 'unit'), row('---', '---:', '---', '---:', '---:', '---'));
  for (const [name, { median, iqr, best, rounds, unit, note }] of Object.entries(workloads))
    lines.push(row(name, digits(median), iqr.map(digits).join(' to '), digits(best), String(rounds), note ? `${unit} (${note})` : unit));
  const rest = Object.entries(notMeasured).filter(([name]) => ratios[name] === undefined);
  if (rest.length > 0) lines.push('', ...rest.map(([name, reason]) => `- ${name}: ${reason}`));
  return lines.join('\n');
}
