/** The studio's own line icons, 20 × 20, drawn with the text colour. Decorative: the words stand beside them. */
const PATHS = {
  model: 'M10 2.5 16.5 6v8L10 17.5 3.5 14V6L10 2.5ZM3.5 6 10 9.5 16.5 6M10 9.5v8',
  prompts: 'M3.5 4.5h13v9h-7l-3.5 3v-3H3.5v-9ZM6.5 7.5h7M6.5 10.5h4.5',
  curate: 'M3.5 5.5l1.5 1.5 2.5-3M3.5 12.5l1.5 1.5 2.5-3M10.5 6h6M10.5 13h6',
  train: 'M2.5 15.5c3.5 0 4-9 7.5-9s3 5.5 7.5 5.5M2.5 2.5v15h15',
  evaluate: 'M10 3v14M4.5 6h11M4.5 6 2.5 11.5h4L4.5 6ZM15.5 6l-2 5.5h4l-2-5.5ZM7 17h6',
  runs: 'M10 5.5V10l3 2M3 10a7 7 0 1 0 2-4.9M3 3v3h3',
  export: 'M10 2.5v9M6.5 8l3.5 3.5L13.5 8M3.5 13v4h13v-4',
  close: 'M5 5l10 10M15 5 5 15',
  check: 'M4 10.5l4 4 8-9',
  gear: 'M3 6h8M15 6h2M13 4v4M3 14h2M9 14h8M7 12v4',
  sun: 'M10 6.5a3.5 3.5 0 1 1 0 7 3.5 3.5 0 0 1 0-7ZM10 2v1.5M10 16.5V18M2 10h1.5M16.5 10H18M4.3 4.3l1.1 1.1M14.6 14.6l1.1 1.1M4.3 15.7l1.1-1.1M14.6 5.4l1.1-1.1',
  moon: 'M16.5 12A7 7 0 0 1 8 3.5a7 7 0 1 0 8.5 8.5Z',
  auto: 'M10 3a7 7 0 1 0 0 14V3ZM10 3a7 7 0 0 1 0 14',
  keyboard: 'M2.5 5.5h15v9h-15v-9ZM5.5 8.5h.01M8.5 8.5h.01M11.5 8.5h.01M14.5 8.5h.01M6 11.5h8',
  undo: 'M7 4 3.5 7.5 7 11M3.5 7.5H12a4 4 0 0 1 0 8H8',
  redo: 'M13 4l3.5 3.5L13 11M16.5 7.5H8a4 4 0 0 0 0 8h4',
  pause: 'M7 4.5v11M13 4.5v11',
  play: 'M6.5 4.5v11l9-5.5-9-5.5Z',
  stop: 'M5.5 5.5h9v9h-9v-9Z',
  lock: 'M5 9h10v7.5H5V9ZM7 9V6.5a3 3 0 0 1 6 0V9',
  chevron: 'M6 8l4 4 4-4',
  chevronLeft: 'M12 5l-5 5 5 5',
  chevronRight: 'M8 5l5 5-5 5',
  eye: 'M2 10s3-5 8-5 8 5 8 5-3 5-8 5-8-5-8-5ZM10 8a2 2 0 1 1 0 4 2 2 0 0 1 0-4Z',
  trash: 'M3.5 5.5h13M8 5.5v-2h4v2M5 5.5l.8 11h8.4l.8-11M8.5 8.5v5M11.5 8.5v5',
  warn: 'M10 3.5l7.5 13h-15l7.5-13ZM10 8.5v3.5M10 14.3v.2',
} as const;
export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 18 }: { name: IconName; size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 20 20" fill="none" stroke="currentColor" strokeWidth={1.5} strokeLinecap="round" strokeLinejoin="round" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
