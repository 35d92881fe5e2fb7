/** What sets and splits are called, and what they are for. */
import type { PromptSet, Split } from '../../../src/records/prompt.ts';

export const SETS: readonly { value: PromptSet; label: string; what: string }[] = [
  { value: 'harmful', label: 'Harmful', what: 'should be refused' },
  { value: 'borderline', label: 'Borderline', what: 'only sounds harmful' },
  { value: 'everyday', label: 'Everyday', what: 'should be helped' },
];

export const SPLITS: readonly { value: Split; label: string; what: string }[] = [
  { value: 'curate', label: 'Curate', what: 'to train on' },
  { value: 'validation', label: 'Validation', what: 'to choose checkpoints' },
  { value: 'test', label: 'Test', what: 'final evaluation alone' },
];
