/** The seven stations and the address of the page: `#/runs/<id>` is station `runs` with path `['<id>']`. Pure. */
export const STATIONS = ['model', 'prompts', 'curate', 'train', 'evaluate', 'runs', 'export'] as const;
export type Station = (typeof STATIONS)[number];

export interface Route {
  station: Station;
  path: readonly string[];
}

export function parseRoute(hash: string): Route {
  const [first = '', ...path] = hash.replace(/^#\/?/, '').split('/').filter(Boolean).map(decode);
  const station = STATIONS.find((name) => name === first) ?? 'model';
  return { station, path: first === station ? path : [] };
}

export function toHash(station: Station, ...path: string[]): string {
  return `#/${[station, ...path].map(encodeURIComponent).join('/')}`;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    // A half-typed escape: show what was typed.
    return part;
  }
}
