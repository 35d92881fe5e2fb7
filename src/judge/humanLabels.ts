/** A person's labels of the very answers that are judged; they overrule every automatic judge. */
import type { Label } from '../records/response.ts';

export type HumanLabelList = readonly { promptText: string; responseText: string; label: Label }[];

/** Looks labels up by prompt and response text, character by character: a changed answer is another answer. The last label wins. */
export class HumanLabelBook {
  private readonly labels = new Map<string, Label>();

  constructor(list: HumanLabelList) {
    for (const { promptText, responseText, label } of list) {
      const key = JSON.stringify([promptText, responseText]);
      if (label === 'skipped') this.labels.delete(key);
      else this.labels.set(key, label);
    }
  }

  labelOf(promptText: string, responseText: string): Label | undefined {
    return this.labels.get(JSON.stringify([promptText, responseText]));
  }
}
