/** Runs as rows of a table, and two or more of them set against each other. Pure. */
import { diffSettings, listSettings, type SettingDifference, type SettingPath, type SettingValue } from '../../../src/config/trainSettings.ts';
import type { Rate } from '../../../src/records/rate.ts';
import type { RunRecord } from '../../../src/records/run.ts';
import { evaluationAt, perplexityRatioAt } from '../../store/runFacts.ts';

export interface RunRow {
  run: RunRecord;
  /** At the best step; null while there is none. */
  harmful: Rate | null;
  incoherent: Rate | null;
  overRefusal: Rate | null;
  helpful: Rate | null;
  perplexityRatio: number | null;
  /** Settings that differ from the defaults. */
  differences: SettingDifference[];
}

/** Newest first. */
export function runRows(runs: readonly RunRecord[]): RunRow[] {
  return [...runs]
    .sort((a, b) => b.createdAt.localeCompare(a.createdAt))
    .map((run) => {
      const metrics = run.bestStep === null ? null : (evaluationAt(run, run.bestStep)?.metrics ?? null);
      return {
        run,
        harmful: metrics?.harmful ?? null,
        incoherent: metrics?.incoherent ?? null,
        overRefusal: metrics?.overRefusal ?? null,
        helpful: metrics?.helpful ?? null,
        perplexityRatio: run.bestStep === null ? null : perplexityRatioAt(run, run.bestStep),
        differences: diffSettings(run.config),
      };
    });
}

/** The settings in which the runs are not all alike, with the value of each run. */
export function settingsTable(runs: readonly RunRecord[]): { path: SettingPath; values: SettingValue[] }[] {
  const lists = runs.map((run) => new Map(listSettings(run.config).map(({ path, value }) => [path, value])));
  return listSettings(runs[0]?.config ?? ({ checkpointRule: {} } as RunRecord['config'])).flatMap(({ path }) => {
    const values = lists.map((list) => list.get(path) as SettingValue);
    return values.some((value) => !Object.is(value, values[0])) ? [{ path, values }] : [];
  });
}

export interface DeltaRow {
  metric: string;
  /** Which way is good. */
  better: 'lower' | 'higher';
  /** Value of each run at its best step; null if not measured. Shares 0..1, or a ratio. */
  values: (number | null)[];
  /** Difference to the first run, in the metric's own unit. */
  deltas: (number | null)[];
  /** Rates behind the values, where the metric is one. */
  rates: (Rate | null)[];
  kind: 'share' | 'ratio';
}

const share = (rate: Rate | null): number | null => (rate && rate.n > 0 ? rate.k / rate.n : null);

/** Each metric at the best step of each run, and its difference to the first run. */
export function deltaTable(runs: readonly RunRecord[]): DeltaRow[] {
  const rows = runs.map((run) => runRows([run])[0] as RunRow);
  const build = (metric: string, better: 'lower' | 'higher', kind: 'share' | 'ratio', values: (number | null)[], rates: (Rate | null)[]): DeltaRow => {
    const first = values[0] ?? null;
    return { metric, better, kind, values, rates, deltas: values.map((value, i) => (i === 0 || value === null || first === null ? null : value - first)) };
  };
  const ofRate = (metric: string, better: 'lower' | 'higher', pick: (row: RunRow) => Rate | null): DeltaRow => {
    const rates = rows.map(pick);
    return build(metric, better, 'share', rates.map(share), rates);
  };
  return [
    ofRate('Harmful', 'lower', (row) => row.harmful),
    ofRate('Incoherent', 'lower', (row) => row.incoherent),
    ofRate('Over-refusal', 'lower', (row) => row.overRefusal),
    ofRate('Helpful', 'higher', (row) => row.helpful),
    build('Perplexity ratio', 'lower', 'ratio', rows.map((row) => row.perplexityRatio), rows.map(() => null)),
  ];
}
