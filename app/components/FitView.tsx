/** Whether a model fits the device: a verdict with reasons, and where the bytes go. Estimated, and says so. */
import { Badge } from './Badge.tsx';
import type { Tone } from './Badge.tsx';
import { formatBytes } from './format.ts';
import styles from './FitView.module.css';

export type Verdict = 'fits' | 'tight' | 'wontFit';
/** Shape of the engine's estimate. */
export interface FitShape {
  verdict: Verdict;
  reasons: readonly string[];
  bytes: { weights: number; costEmbedding: number; gradients: number; optimizer: number; activations: number; kvCache: number; total: number };
}

const WORDS: Record<Verdict, { word: string; tone: Tone }> = {
  fits: { word: 'Fits', tone: 'safe' },
  tight: { word: 'Tight', tone: 'partial' },
  wontFit: { word: 'Won’t fit', tone: 'unsafe' },
};

const PARTS: [Exclude<keyof FitShape['bytes'], 'total'>, string][] = [
  ['weights', 'Weights'],
  ['costEmbedding', 'Cost embedding'],
  ['gradients', 'Gradients'],
  ['optimizer', 'Optimizer'],
  ['activations', 'Activations'],
  ['kvCache', 'KV cache'],
];

export function FitBadge({ verdict, title }: { verdict: Verdict; title?: string }) {
  return (
    <Badge tone={WORDS[verdict].tone} title={title}>
      {WORDS[verdict].word}
    </Badge>
  );
}

/** @param props.method what is trained, in words: "a LoRA adapter" */
export function FitView({ fit, method }: { fit: FitShape; method: string }) {
  const { bytes } = fit;
  const parts = PARTS.map(([id, label]) => ({ id, label, bytes: bytes[id] })).filter((part) => part.bytes > 0);
  return (
    <div className={styles.fit}>
      <div className={styles.head}>
        <FitBadge verdict={fit.verdict} />
        <span>
          to train {method} <span className={styles.quiet}>(estimated from config and settings)</span>
        </span>
      </div>
      {fit.reasons.length > 0 && (
        <ul className={styles.reasons}>
          {fit.reasons.map((reason) => (
            <li key={reason}>{reason}</li>
          ))}
        </ul>
      )}
      {bytes.total > 0 && (
        <>
          <div className={styles.bar} aria-hidden="true">
            {parts.map((part) => (
              <span key={part.id} className={styles[part.id]} style={{ flexGrow: part.bytes }} />
            ))}
          </div>
          <ul className={styles.parts} aria-label="Estimated bytes">
            {parts.map((part) => (
              <li key={part.id}>
                <span className={`${styles.swatch} ${styles[part.id]}`} aria-hidden="true" />
                {part.label} <span className={styles.quiet}>{formatBytes(part.bytes)}</span>
              </li>
            ))}
            <li>
              Together <strong>{formatBytes(bytes.total)}</strong>
            </li>
          </ul>
        </>
      )}
    </div>
  );
}
