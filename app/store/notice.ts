/** A passing message to the person. */
export interface Notice {
  id: string;
  tone: 'neutral' | 'safe' | 'unsafe';
  title: string;
  detail?: string;
  /** Offers to undo the last deed. */
  offersUndo?: boolean;
}
