/** Curated responses as the data sets that training tools read, one file each. Pure: documents in, JSON Lines out. */
import type { ProjectDocuments } from './projectRecords.ts';
import { writeProjectRecords } from './projectRecords.ts';
import type { Curation, Response } from './response.ts';

export interface DatasetFile {
  path: string;
  /** JSON Lines; empty when nothing qualifies. */
  text: string;
  /** Number of lines. */
  rows: number;
  /** What a line is, for people. */
  description: string;
}

const jsonl = (values: readonly unknown[]) => values.map((v) => `${JSON.stringify(v)}\n`).join('');

/** Responses that a person decided on and did not discard, each with its prompt's text. */
function decided({ prompts, responses, curations }: ProjectDocuments): { prompt: string; response: Response; curation: Curation }[] {
  const textOf = new Map(prompts.map((p) => [p.id, p.text]));
  const curationOf = new Map(curations.map((c) => [c.responseId, c]));
  return responses.flatMap((response) => {
    const prompt = textOf.get(response.promptId);
    const curation = curationOf.get(response.id);
    return prompt === undefined || !curation || curation.discarded ? [] : [{ prompt, response, curation }];
  });
}

const editOf = (curation: Curation) => (curation.edit !== undefined && curation.edit.trim() !== '' ? curation.edit : null);

/**
 * Unpaired preference (TRL): {"prompt","completion","label"}; label true = safe, false = unsafe.
 * Partial, incoherent and skipped answers are left out: they are neither.
 */
export function unpairedPreferenceRows(documents: ProjectDocuments): { prompt: string; completion: string; label: boolean }[] {
  return decided(documents).flatMap(({ prompt, response, curation }) =>
    curation.label === 'safe' || curation.label === 'unsafe' ? [{ prompt, completion: response.text, label: curation.label === 'safe' }] : [],
  );
}

/** Preference (TRL): {"prompt","chosen","rejected"}; the person's rewrite against the original, unless the original was labelled safe or skipped. */
export function preferenceRows(documents: ProjectDocuments): { prompt: string; chosen: string; rejected: string }[] {
  return decided(documents).flatMap(({ prompt, response, curation }) => {
    const chosen = editOf(curation);
    return chosen === null || curation.label === 'safe' || curation.label === 'skipped' ? [] : [{ prompt, chosen, rejected: response.text }];
  });
}

/** Supervised fine-tuning: {"messages"} with the rewrite where there is one, else the response that was labelled safe. */
export function sftRows(documents: ProjectDocuments): { messages: { role: 'user' | 'assistant'; content: string }[] }[] {
  return decided(documents).flatMap(({ prompt, response, curation }) => {
    const content = editOf(curation) ?? (curation.label === 'safe' ? response.text : null);
    return content === null ? [] : [{ messages: [{ role: 'user' as const, content: prompt }, { role: 'assistant' as const, content }] }];
  });
}

/**
 * All data sets of a project. `records.jsonl` imports again without loss.
 * @throws EngineError bad-argument if responses or labels point to something that is not there
 */
export function exportDatasets(documents: ProjectDocuments): DatasetFile[] {
  const file = (path: string, rows: readonly unknown[], description: string): DatasetFile => ({ path, text: jsonl(rows), rows: rows.length, description });
  const records = writeProjectRecords(documents);
  return [
    file('unpaired_preference.jsonl', unpairedPreferenceRows(documents), 'Labels: prompt, completion, label (true = safe, false = unsafe).'),
    file('preference.jsonl', preferenceRows(documents), 'Pairs: prompt, chosen (your rewrite), rejected (the original response).'),
    file('sft.jsonl', sftRows(documents), 'Messages of the safe responses and rewrites.'),
    { path: 'records.jsonl', text: records, rows: records.split('\n').length - 1, description: 'Full records: everything, for importing again.' },
  ];
}
