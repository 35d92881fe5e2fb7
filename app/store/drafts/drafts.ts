/** Settings while they are edited, and preferences: persisted with a version. Not for documents: those are the project. */
import { z } from 'zod';
import { defaultEvaluationConfig, evaluationConfigSchema } from '../../../src/config/evaluation.ts';
import { defaultGenerationConfig, generationConfigSchema } from '../../../src/config/generation.ts';
import { defaultTrainConfig, trainConfigSchema } from '../../../src/config/train.ts';

const remoteSourceSchema = z.union([
  z.object({ kind: z.literal('hub'), id: z.string(), revision: z.string() }),
  z.object({ kind: z.literal('url'), name: z.string(), baseUrl: z.string() }),
]);

const sections = {
  engine: z.object({
    backend: z.enum(['auto', 'webgpu', 'wasm']),
    allowSoftwareAdapter: z.boolean(),
    /** Which model to load again after a reload: one's own files as far as they were kept, a downloaded one from the cache. */
    reopenModel: z.enum(['none', 'demo', 'files', 'downloaded']),
    /** The downloaded model in question. */
    downloaded: remoteSourceSchema.nullable(),
    /** Another address of the Hub; empty for the Hub's own. Access tokens are never kept. */
    hubEndpoint: z.string(),
  }),
  generate: z.object({
    samplesPerPrompt: z.number().int().min(1).max(32),
    /** Which curate-split harmful prompts: all, the first k, or those selected on the Prompts page. */
    choice: z.enum(['all', 'first', 'selected']),
    firstCount: z.number().int().min(1),
    config: generationConfigSchema,
  }),
  train: z.object({
    name: z.string(),
    advanced: z.boolean(),
    config: trainConfigSchema,
    /** The model that the training method was last preselected for; a person's own choice stays until another is loaded. */
    methodFor: z.string(),
  }),
  model: z.object({
    /** Chat templates of the person's own, by model id. */
    templates: z.record(z.string(), z.string()),
  }),
  evaluate: z.object({ split: z.enum(['validation', 'test', 'custom']), config: evaluationConfigSchema }),
  curate: z.object({
    filter: z.enum(['unlabelled', 'all', 'safe', 'unsafe', 'partial', 'incoherent', 'skipped', 'edited', 'discarded', 'suggestedUnsafe', 'suggestedSafe']),
    search: z.string(),
    focusId: z.string().nullable(),
  }),
  prompts: z.object({ set: z.string(), split: z.string(), search: z.string(), page: z.number().int().min(0) }),
  preferences: z.object({
    theme: z.enum(['system', 'light', 'dark']),
    /** Blur text that may be toxic until it is revealed. */
    shield: z.boolean(),
    presenter: z.boolean(),
    keys: z.record(z.string(), z.array(z.string())),
    contentNoticeSeen: z.boolean(),
  }),
  /** Small choices of single pages; each page owns its own keys. */
  pages: z.record(z.string(), z.unknown()),
};
export type DraftSection = keyof typeof sections;
export type Drafts = { [S in DraftSection]: z.infer<(typeof sections)[S]> };

export const DRAFTS_VERSION = 1;

export const defaultDrafts: Drafts = {
  engine: { backend: 'auto', allowSoftwareAdapter: false, reopenModel: 'none', downloaded: null, hubEndpoint: '' },
  generate: { samplesPerPrompt: 2, choice: 'first', firstCount: 40, config: defaultGenerationConfig },
  train: { name: '', advanced: false, config: defaultTrainConfig, methodFor: '' },
  model: { templates: {} },
  evaluate: { split: 'test', config: defaultEvaluationConfig },
  curate: { filter: 'unlabelled', search: '', focusId: null },
  prompts: { set: 'all', split: 'all', search: '', page: 0 },
  preferences: { theme: 'system', shield: true, presenter: false, keys: {}, contentNoticeSeen: false },
  pages: {},
};

/**
 * Reads stored drafts of any version. A section that no longer fits falls back to its defaults, and is named in `lost`.
 */
export function migrateDrafts(stored: unknown): { drafts: Drafts; lost: DraftSection[] } {
  const lost: DraftSection[] = [];
  const data = (stored as { version?: unknown; data?: Record<string, unknown> } | null)?.data;
  const drafts: Record<string, unknown> = {};
  for (const section of Object.keys(sections) as DraftSection[]) {
    const known = data?.[section];
    const defaults = defaultDrafts[section];
    const merged = typeof known === 'object' && known !== null ? { ...defaults, ...known } : defaults;
    const parsed = sections[section].safeParse(merged);
    if (!parsed.success) lost.push(section);
    drafts[section] = parsed.success ? parsed.data : defaults;
  }
  return { drafts: drafts as Drafts, lost };
}
