/** The part of the Hugging Face Hub's protocol that downloads need: what a model's revision holds, and where its files are. */
import { z } from 'zod';
import { EngineError } from '../../base/errors.ts';
import { type HttpHost, readSmallBody, request } from '../http.ts';
import { toHubError } from './hubErrors.ts';

export const HUB_ENDPOINT = 'https://huggingface.co';

/** Of a model with thousands of files. */
const MAX_INFO_BYTES = 2 ** 25;

/** How the Hub is reached. The token is sent to the endpoint's own origin only, and kept nowhere. */
export interface HubAccess {
  endpoint: string;
  token: string | null;
  host: HttpHost;
}

export interface HubFile {
  path: string;
  sizeBytes: number;
  /** Of large files (LFS); null for those that lie in git. */
  sha256: string | null;
  /** git's name of the content; null where it is not known, and for large files (it is that of a pointer). */
  gitBlobSha1: string | null;
}

export interface HubModelInfo {
  id: string;
  /** Full commit hash that the revision means now. */
  commit: string;
  files: HubFile[];
  gated: boolean;
  /** As the model card names it. */
  licence: string | null;
}

const hex = (length: number) => z.string().regex(new RegExp(`^[0-9a-f]{${length}}$`));
// Only what is used; the Hub adds fields at any time.
const infoSchema = z.object({
  id: z.string().optional(),
  sha: hex(40),
  gated: z.union([z.boolean(), z.string()]).nullish(),
  cardData: z.object({ license: z.unknown() }).partial().nullish(),
  siblings: z.array(
    z.object({
      rfilename: z.string(),
      size: z.number().int().min(0).nullish(),
      blobId: z.string().nullish(),
      lfs: z.object({ sha256: hex(64), size: z.number().int().min(0) }).nullish(),
    }),
  ),
});

/** @throws EngineError bad-argument unless it is "name" or "owner/name" */
export function assertHubId(id: string): void {
  if (!/^(?:[\w.-]{1,96}\/)?[\w.-]{1,96}$/.test(id) || /\.\.|--|(^|\/)[.-]/.test(id))
    throw new EngineError('bad-argument', `"${id.slice(0, 120)}" is not a Hub id. It looks like "owner/name", for example "HuggingFaceTB/SmolLM2-135M".`);
}

/** Where a file of a commit is. */
export function resolveUrl(endpoint: string, id: string, commit: string, path: string): string {
  return `${endpoint}/${id}/resolve/${encodeURIComponent(commit)}/${path.split('/').map(encodeURIComponent).join('/')}`;
}

/** @param path null for the model as a whole @returns how a refusal is explained */
export const explainHub =
  ({ endpoint, token }: HubAccess, id: string, revision: string, path: string | null) =>
  (response: Response): EngineError =>
    toHubError(response, { endpoint, id, revision, path, hasToken: token !== null });

/**
 * What a revision holds now.
 * @throws EngineError bad-argument, not-found (id, revision), access, network, bad-file (no answer of a Hub), cancelled
 */
export async function fetchModelInfo(access: HubAccess, id: string, revision: string, signal?: AbortSignal): Promise<HubModelInfo> {
  assertHubId(id);
  const { endpoint, token, host } = access;
  const url = `${endpoint}/api/models/${id}/revision/${encodeURIComponent(revision)}?blobs=true`;
  const response = await request(url, { token, host, explain: explainHub(access, id, revision, null), ...(signal ? { signal } : {}) });
  const bytes = await readSmallBody(response, url, MAX_INFO_BYTES, host, signal);
  let parsed: z.infer<typeof infoSchema>;
  try {
    parsed = infoSchema.parse(JSON.parse(new TextDecoder().decode(bytes)));
  } catch (thrown) {
    throw new EngineError('bad-file', `${endpoint} does not answer as a Hugging Face Hub does. Check the address.`, { cause: thrown });
  }
  const license = parsed.cardData?.license;
  const licence = Array.isArray(license) ? license.filter((each) => typeof each === 'string').join(', ') : license;
  return {
    id,
    commit: parsed.sha,
    gated: parsed.gated !== undefined && parsed.gated !== null && parsed.gated !== false,
    licence: typeof licence === 'string' && licence !== '' ? licence : null,
    files: parsed.siblings.map(({ rfilename, size, blobId, lfs }) => {
      const sizeBytes = lfs?.size ?? size;
      if (sizeBytes === undefined || sizeBytes === null) throw new EngineError('bad-file', `${endpoint} does not tell the size of ${rfilename}. Is it a Hugging Face Hub?`);
      return { path: rfilename, sizeBytes, sha256: lfs?.sha256 ?? null, gitBlobSha1: !lfs && blobId && /^[0-9a-f]{40}$/.test(blobId) ? blobId : null };
    }),
  };
}

/** A small file of a commit, whole. @throws EngineError as `fetchModelInfo` */
export async function fetchHubFile(access: HubAccess, id: string, commit: string, path: string, maxBytes: number, signal?: AbortSignal): Promise<Uint8Array> {
  const url = resolveUrl(access.endpoint, id, commit, path);
  const response = await request(url, { token: access.token, host: access.host, explain: explainHub(access, id, commit, path), ...(signal ? { signal } : {}) });
  return readSmallBody(response, url, maxBytes, access.host, signal);
}
