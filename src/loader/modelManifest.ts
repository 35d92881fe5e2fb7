/** What the cache knows of a model: where it came from, its files, how far each has come. One JSON file beside them; it, not the files, says what is complete. */
import { z } from 'zod';
import type { FileStore } from './fileStore.ts';
import { createHasher } from './hasher.ts';
import { HUB_ENDPOINT } from './hub/hubClient.ts';

export const MODELS_FOLDER = 'models';

const hash = z.string().regex(/^[0-9a-f]+$/);
const fileSchema = z.strictObject({
  path: z.string(),
  /** Null until the download has told. */
  sizeBytes: z.number().int().min(0).nullable(),
  /** What the content must be, as the Hub names it; null where nobody does. */
  sha256: hash.nullable(),
  gitBlobSha1: hash.nullable(),
  /** ETag or Last-Modified of what is there. */
  validator: z.string().nullable(),
  /** sha256 of the bytes that were written and checked; null until the file is complete. */
  contentSha256: hash.nullable(),
});
const sourceSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('hub'), endpoint: z.string(), id: z.string(), commit: hash }),
  z.strictObject({ kind: z.literal('url'), baseUrl: z.string() }),
]);
const manifestSchema = z.strictObject({
  format: z.literal(1),
  name: z.string(),
  source: sourceSchema,
  /** Names that meant this commit when they were asked for, the latest last; empty for addresses. */
  revisions: z.array(z.string()),
  licence: z.string().nullable(),
  gated: z.boolean(),
  files: z.array(fileSchema),
  addedAt: z.string(),
  lastUsedAt: z.string(),
});

export type ManifestFile = z.infer<typeof fileSchema>;
export type ManifestSource = z.infer<typeof sourceSchema>;
export type ModelManifest = z.infer<typeof manifestSchema>;

export const isComplete = (manifest: ModelManifest): boolean => manifest.files.every(({ contentSha256 }) => contentSha256 !== null);

const shortHash = (text: string): string => {
  const hasher = createHasher('sha256');
  hasher.update(new TextEncoder().encode(text));
  return hasher.digest().slice(0, 12);
};
const plain = (text: string): string => text.replace(/[^\w.-]+/g, '_').slice(0, 100);

/** The folder of a model in the cache: readable, and one for each commit. */
export function keyOf(source: ManifestSource): string {
  if (source.kind === 'url') return `${plain(source.baseUrl.replace(/^https?:\/\//, ''))}--${shortHash(source.baseUrl)}`;
  const elsewhere = source.endpoint === HUB_ENDPOINT ? '' : `--${shortHash(source.endpoint)}`;
  return `${source.id.split('/').map(plain).join('--')}--${source.commit.slice(0, 12)}${elsewhere}`;
}

const manifestPath = (key: string): string => `${MODELS_FOLDER}/${key}/manifest.json`;
export const contentPath = (key: string, path: string): string => `${MODELS_FOLDER}/${key}/files/${path}`;

/** Null if there is none, or one that this version cannot read: its model is downloaded anew. */
export async function readManifest(store: FileStore, key: string): Promise<ModelManifest | null> {
  const bytes = await store.read(manifestPath(key));
  if (!bytes) return null;
  try {
    const parsed = manifestSchema.safeParse(JSON.parse(new TextDecoder().decode(bytes)));
    return parsed.success ? parsed.data : null;
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return null;
    throw thrown;
  }
}

export function writeManifest(store: FileStore, key: string, manifest: ModelManifest): Promise<void> {
  return store.write(manifestPath(key), new TextEncoder().encode(JSON.stringify(manifest, null, 1)));
}

/** Keys of all models that have a manifest, sorted. */
export async function listKeys(store: FileStore): Promise<string[]> {
  const suffix = '/manifest.json';
  return (await store.list(MODELS_FOLDER)).filter((path) => path.endsWith(suffix) && path.split('/').length === 3).map((path) => path.slice(MODELS_FOLDER.length + 1, -suffix.length));
}
