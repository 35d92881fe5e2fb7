/**
 * Full records, one JSON object a line: a prompt with one of its responses and what was decided on it, or a prompt alone.
 * For: moving a project's prompts, responses and labels out and in again without loss. Not for training tools (see exportDatasets.ts).
 */
import { z } from 'zod';
import { EngineError } from '../base/errors.ts';
import { decodeText } from './decodeText.ts';
import type { ImportError, ImportInput } from './importResult.ts';
import { IMPORT_LIMITS } from './importResult.ts';
import type { Prompt } from './prompt.ts';
import type { Curation, Response } from './response.ts';

/** Marks each line, so that a reader knows what it has. */
export const RECORD_FORMAT = 'sidestep-record@1';

const text = z.string();
const count = z.number().int().min(0);
const verdict = z.strictObject({
  outcome: z.enum(['complied', 'refused', 'partial', 'incoherent', 'unassessed']),
  judge: text,
  reason: text.optional(),
  score: z.number().optional(),
});

/** One line of the file; field names are the snake_case ones that other tools read. */
export const projectRecordSchema = z.object({
  format: z.literal(RECORD_FORMAT),
  prompt_id: text.min(1),
  prompt: text.min(1),
  set: z.enum(['harmful', 'borderline', 'everyday']),
  split: z.enum(['curate', 'validation', 'test']),
  intent: text.optional(),
  category: text.optional(),
  reference: text.optional(),
  source: z.enum(['built-in', 'imported', 'typed']),
  response: z
    .object({
      id: text.min(1),
      text,
      sample: count,
      token_count: count,
      finish_reason: z.enum(['stop', 'length', 'cancelled']),
      model: text,
      weights_fingerprint: text,
      seed: count,
      temperature: z.number().min(0),
      top_k: count,
      top_p: z.number().min(0).max(1),
      verdict: verdict.optional(),
      created_at: text,
    })
    .optional(),
  curation: z
    .object({
      label: z.enum(['safe', 'unsafe', 'partial', 'incoherent', 'skipped']).optional(),
      edit: text.optional(),
      discarded: z.boolean().optional(),
      updated_at: text,
    })
    .optional(),
});
export type ProjectRecord = z.infer<typeof projectRecordSchema>;

/** The documents of a project that travel. */
export interface ProjectDocuments {
  prompts: Prompt[];
  responses: Response[];
  curations: Curation[];
}

/**
 * Lines of full records: every prompt, in order, with each of its responses; prompts without responses get a line of their own.
 * @throws EngineError bad-argument if a response or curation points to something that is not there
 */
export function writeProjectRecords(documents: ProjectDocuments): string {
  const curationOf = new Map(documents.curations.map((c) => [c.responseId, c]));
  const responsesOf = new Map<string, Response[]>(documents.prompts.map((p) => [p.id, []]));
  for (const response of documents.responses) {
    const list = responsesOf.get(response.promptId);
    if (!list) throw new EngineError('bad-argument', `response ${response.id} belongs to prompt ${response.promptId}, which is not among the prompts to export.`);
    list.push(response);
  }
  const known = new Set(documents.responses.map((r) => r.id));
  for (const c of documents.curations)
    if (!known.has(c.responseId)) throw new EngineError('bad-argument', `a label belongs to response ${c.responseId}, which is not among the responses to export.`);
  const lines: string[] = [];
  for (const p of documents.prompts) {
    const head: ProjectRecord = {
      format: RECORD_FORMAT, prompt_id: p.id, prompt: p.text, set: p.set, split: p.split, intent: p.intent, category: p.category, reference: p.reference, source: p.source,
    };
    const responses = responsesOf.get(p.id) ?? [];
    if (responses.length === 0) lines.push(JSON.stringify(head));
    for (const r of responses) {
      const c = curationOf.get(r.id);
      const record: ProjectRecord = {
        ...head,
        response: {
          id: r.id, text: r.text, sample: r.sample, token_count: r.tokenCount, finish_reason: r.finishReason, model: r.modelId, weights_fingerprint: r.weightsFingerprint,
          seed: r.seed, temperature: r.temperature, top_k: r.topK, top_p: r.topP, verdict: r.verdict, created_at: r.createdAt,
        },
        curation: c && { label: c.label, edit: c.edit, discarded: c.discarded, updated_at: c.updatedAt },
      };
      lines.push(JSON.stringify(record));
    }
  }
  return lines.map((line) => `${line}\n`).join('');
}

/** Whether a text is of this format, by its first line. */
export function isProjectRecords(fileText: string): boolean {
  const start = fileText.trimStart();
  const end = start.search(/[\r\n]/);
  return new RegExp(`"format"\\s*:\\s*"${RECORD_FORMAT}"`).test((end < 0 ? start : start.slice(0, end)).slice(0, 4000));
}

export interface ProjectRecordsResult extends ProjectDocuments {
  rowsRead: number;
  errors: ImportError[];
}

/** Removes fields that are undefined, so that documents come back exactly as they were. */
function defined<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined)) as T;
}

/**
 * Reads full records back. Lossless: what `writeProjectRecords` wrote comes back equal, in the same order within each prompt.
 * Bad lines are reported and skipped.
 * @throws EngineError bad-file if the file cannot be read as text
 */
export function parseProjectRecords(input: ImportInput): ProjectRecordsResult {
  const fileText = decodeText(input.fileName, input.bytes);
  const prompts = new Map<string, Prompt>();
  const responses = new Map<string, Response>();
  const curations: Curation[] = [];
  const errors: ImportError[] = [];
  let rowsRead = 0;
  for (const [i, line] of fileText.split(/\r\n|\n|\r/).entries()) {
    if (line.trim() === '') continue;
    if (rowsRead === IMPORT_LIMITS.rows) {
      errors.push({ file: input.fileName, row: i + 1, column: null, message: `more than ${IMPORT_LIMITS.rows} rows: the rest was not read. Split the file.` });
      break;
    }
    rowsRead++;
    const complain = (column: string | null, message: string) => errors.push({ file: input.fileName, row: i + 1, column, message });
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch (thrown) {
      if (!(thrown instanceof SyntaxError)) throw thrown;
      complain(null, 'not valid JSON. Each line must be one record as it was exported.');
      continue;
    }
    const parsed = projectRecordSchema.safeParse(value);
    if (!parsed.success) {
      const issue = parsed.error.issues[0];
      complain(issue?.path.join('.') || null, `${issue?.message ?? 'invalid'}. Correct this field or remove the row.`);
      continue;
    }
    const r = parsed.data;
    const known = prompts.get(r.prompt_id);
    if (known && known.text !== r.prompt) {
      complain('prompt_id', `"${r.prompt_id}" names another prompt above. Give this one its own id.`);
      continue;
    }
    if (r.response && responses.has(r.response.id)) {
      complain('response.id', `"${r.response.id}" occurs twice. Give this response its own id.`);
      continue;
    }
    if (r.curation && !r.response) {
      complain('curation', 'a label without a response. Remove it or add the response.');
      continue;
    }
    if (!known)
      prompts.set(r.prompt_id, defined({ id: r.prompt_id, text: r.prompt, set: r.set, split: r.split, intent: r.intent, category: r.category, reference: r.reference, source: r.source }));
    if (!r.response) continue;
    const a = r.response;
    responses.set(
      a.id,
      defined({
        id: a.id, promptId: r.prompt_id, sample: a.sample, text: a.text, tokenCount: a.token_count, finishReason: a.finish_reason, modelId: a.model, weightsFingerprint: a.weights_fingerprint,
        seed: a.seed, temperature: a.temperature, topK: a.top_k, topP: a.top_p, verdict: a.verdict && defined(a.verdict), createdAt: a.created_at,
      }),
    );
    if (r.curation) curations.push(defined({ responseId: a.id, label: r.curation.label, edit: r.curation.edit, discarded: r.curation.discarded, updatedAt: r.curation.updated_at }));
  }
  return { prompts: [...prompts.values()], responses: [...responses.values()], curations, rowsRead, errors };
}
