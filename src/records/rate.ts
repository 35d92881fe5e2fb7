/** A measured proportion with its 95 % interval. Every rate that is shown is one of these. */
export interface Rate {
  k: number;
  n: number;
  /** Bounds of the 95 % interval, 0..1. */
  low: number;
  high: number;
  /** How the interval was made. `clustered`: design-effect-adjusted Wilson over intents. */
  interval: 'wilson' | 'clustered';
  /** Number of clusters (intents) behind a clustered interval. */
  clusters?: number;
}
