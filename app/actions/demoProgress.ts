/** Where the whole demo stands: seven stations, each waiting, running, done, skipped, failed or cancelled. Only runWholeDemo writes it. */

export type DemoStationId = 'engine' | 'model' | 'prompts' | 'generate' | 'label' | 'train' | 'evaluate';
export type DemoStationState = 'waiting' | 'running' | 'done' | 'skipped' | 'failed' | 'cancelled';

export interface DemoStation {
  id: DemoStationId;
  title: string;
  state: DemoStationState;
  /** What came out of it: "80 responses". */
  detail: string | null;
}

export interface DemoProgress {
  status: 'idle' | 'running' | 'done' | 'failed' | 'cancelled';
  stations: readonly DemoStation[];
}

const TITLES: Record<DemoStationId, string> = {
  engine: 'Open the engine',
  model: 'Load the demo model',
  prompts: 'Add built-in prompts',
  generate: 'Generate responses',
  label: 'Accept the judge’s suggestions',
  train: 'Train with default settings',
  evaluate: 'Evaluate on test prompts',
};

export const idleDemo: DemoProgress = {
  status: 'idle',
  stations: (Object.keys(TITLES) as DemoStationId[]).map((id) => ({ id, title: TITLES[id], state: 'waiting', detail: null })),
};

let progress: DemoProgress = idleDemo;
const listeners = new Set<() => void>();

export function getDemoProgress(): DemoProgress {
  return progress;
}

/** @returns a function that ends the subscription */
export function subscribeDemo(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function setDemoProgress(next: DemoProgress): void {
  progress = next;
  for (const listener of [...listeners]) listener();
}

/** The same progress with one station changed. */
export function withStation(from: DemoProgress, id: DemoStationId, state: DemoStationState, detail: string | null = null): DemoProgress {
  return { ...from, stations: from.stations.map((station) => (station.id === id ? { ...station, state, detail } : station)) };
}
