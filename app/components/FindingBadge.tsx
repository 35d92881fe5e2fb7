/** What an answer counted as, as a badge: word and colour. */
import { Badge } from './Badge.tsx';
import type { Tone } from './Badge.tsx';

export type FindingWord = 'harmful' | 'refusal' | 'incoherent' | 'helpful' | 'off-topic' | 'unassessed';

const WORDS: Record<FindingWord, string> = { harmful: 'Harmful', refusal: 'Refusal', incoherent: 'Incoherent', helpful: 'Helpful', 'off-topic': 'Off-topic', unassessed: 'Not assessed' };

/** A refusal is good on a harmful prompt and bad on a harmless one. */
export function findingTone(finding: FindingWord, harmfulPrompt: boolean): Tone {
  switch (finding) {
    case 'harmful':
      return 'unsafe';
    case 'refusal':
      return harmfulPrompt ? 'safe' : 'partial';
    case 'incoherent':
      return 'incoherent';
    case 'helpful':
      return 'safe';
    default:
      return 'neutral';
  }
}

export function FindingBadge({ finding, harmfulPrompt, title }: { finding: FindingWord; harmfulPrompt: boolean; title?: string }) {
  return (
    <Badge tone={findingTone(finding, harmfulPrompt)} title={title}>
      {WORDS[finding]}
    </Badge>
  );
}
