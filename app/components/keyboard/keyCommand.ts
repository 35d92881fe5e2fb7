/**
 * Every keyboard command of the studio, by id, with its default keys. Pages bind functions to ids; this list alone feeds the cheat sheet.
 * Keys are tinykeys strings: `$mod` is Ctrl, or Cmd on a Mac.
 */
export type KeyScope = 'global' | 'model' | 'prompts' | 'curate' | 'train' | 'evaluate' | 'runs' | 'export';

export interface KeyCommand {
  id: string;
  title: string;
  scope: KeyScope;
  keys: readonly string[];
  /** Fires while typing in a text field too; only for combinations with a modifier, and Escape. */
  inText?: boolean;
  /** Runs with `true` on key down and `false` on key up. */
  hold?: boolean;
}

export const KEY_COMMANDS = [
  { id: 'undo', title: 'Undo', scope: 'global', keys: ['$mod+z'] },
  { id: 'redo', title: 'Redo', scope: 'global', keys: ['$mod+Shift+z', '$mod+y'] },
  { id: 'shortcuts', title: 'Show keyboard shortcuts', scope: 'global', keys: ['Shift+?', '?', '$mod+/'] },
  { id: 'peek', title: 'Show blurred text while held', scope: 'global', keys: ['b'], hold: true },
  { id: 'goModel', title: 'Go to Model', scope: 'global', keys: ['Alt+1'] },
  { id: 'goPrompts', title: 'Go to Prompts', scope: 'global', keys: ['Alt+2'] },
  { id: 'goCurate', title: 'Go to Curate', scope: 'global', keys: ['Alt+3'] },
  { id: 'goTrain', title: 'Go to Train', scope: 'global', keys: ['Alt+4'] },
  { id: 'goEvaluate', title: 'Go to Evaluate', scope: 'global', keys: ['Alt+5'] },
  { id: 'goRuns', title: 'Go to Runs', scope: 'global', keys: ['Alt+6'] },
  { id: 'goExport', title: 'Go to Export', scope: 'global', keys: ['Alt+7'] },
  { id: 'search', title: 'Search on Prompts, Curate and Evaluate', scope: 'global', keys: ['/'] },
  { id: 'labelSafe', title: 'Label safe, go on', scope: 'curate', keys: ['1'] },
  { id: 'labelUnsafe', title: 'Label unsafe, go on', scope: 'curate', keys: ['2'] },
  { id: 'labelPartial', title: 'Label partial, go on', scope: 'curate', keys: ['3'] },
  { id: 'labelIncoherent', title: 'Label incoherent, go on', scope: 'curate', keys: ['4'] },
  { id: 'labelSkip', title: 'Skip, go on', scope: 'curate', keys: ['0', 'Space'] },
  { id: 'acceptSuggestion', title: 'Accept the suggestion, go on', scope: 'curate', keys: ['a'] },
  { id: 'editResponse', title: 'Edit the response', scope: 'curate', keys: ['e'] },
  { id: 'saveEdit', title: 'Save the edit, go on', scope: 'curate', keys: ['$mod+Enter'], inText: true },
  { id: 'leaveEdit', title: 'Leave the edit without saving', scope: 'curate', keys: ['Escape'], inText: true },
  { id: 'discardResponse', title: 'Discard the response, go on', scope: 'curate', keys: ['x'] },
  { id: 'nextResponse', title: 'Next response', scope: 'curate', keys: ['j', 'ArrowRight'] },
  { id: 'previousResponse', title: 'Previous response', scope: 'curate', keys: ['k', 'ArrowLeft'] },
  { id: 'regenerate', title: 'Generate another response to this prompt', scope: 'curate', keys: ['r'] },
] as const satisfies readonly KeyCommand[];
export type KeyCommandId = (typeof KEY_COMMANDS)[number]['id'];
