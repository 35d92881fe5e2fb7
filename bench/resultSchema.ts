/** What `npm run bench` writes: bench/results.json. */
import { z } from 'zod';

/** The ratios that every result has; null where it was not measured, with the reason in `notMeasured`. */
export const requiredRatios = [
  'S.webgpu.over_stock',
  'S.webgpu.over_jax',
  'S.wasm.over_stock',
  'S.wasm.over_jax',
  'S.webgpu.share_of_matmul',
  'S.wasm.share_of_matmul',
  'S.webgpu.programs',
  'D.semantic_over_sft',
  'loss.peak_bytes_ratio',
  'G.batch32_over_1',
] as const;

const number = z.number().refine(Number.isFinite, 'must be finite');

/** One quantity measured several times. */
export const measureSchema = z.strictObject({
  unit: z.string().min(1),
  median: number,
  /** Lower and upper quartile. */
  iqr: z.tuple([number, number]),
  best: number,
  rounds: z.number().int().positive(),
  /** Whatever a reader must know to read the number. */
  note: z.string().optional(),
});

export const resultSchema = z
  .strictObject({
    /** Whoever computes: the adapter where it is hardware, else the CPU. */
    device: z.string().min(1),
    adapter: z.string().nullable(),
    cpu: z.string(),
    cores: z.number().int().positive(),
    node: z.string(),
    /** Of this project; with '+' if files were changed since. */
    commit: z.string(),
    date: z.iso.datetime(),
    quick: z.boolean(),
    /** Versions of the peers. */
    peers: z.record(z.string(), z.string()),
    workloads: z.record(z.string(), measureSchema),
    ratios: z.record(z.string(), number.nullable()),
    /** Lower and upper quartile of a ratio over the rounds, where it comes from rounds. */
    spreads: z.record(z.string(), z.tuple([number, number])),
    /** By name of a ratio or workload: why there is no number, or that the number is a recorded one. */
    notMeasured: z.record(z.string(), z.string().min(1)),
  })
  .superRefine(({ ratios, notMeasured }, context) => {
    for (const name of requiredRatios) if (!(name in ratios)) context.addIssue({ code: 'custom', message: `ratio ${name} is missing` });
    for (const [name, value] of Object.entries(ratios))
      if (value === null && !(name in notMeasured)) context.addIssue({ code: 'custom', message: `ratio ${name} is null without a reason` });
  });

export type Measure = z.output<typeof measureSchema>;
export type BenchResult = z.output<typeof resultSchema>;
