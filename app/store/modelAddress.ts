/** What a person types or pastes to name a model: a Hub id, an address of the Hub, or any address of a folder. Pure. */
import type { ModelSource } from '../../src/protocol/jobs.ts';

/** A model that has to be downloaded. */
export type RemoteSource = Extract<ModelSource, { kind: 'hub' | 'url' }>;

export const HUB_ADDRESS = 'https://huggingface.co';
const DEFAULT_REVISION = 'main';
/** Owner and name as the Hub allows them. */
const HUB_ID = /^[A-Za-z0-9][\w.-]{0,95}\/[A-Za-z0-9][\w.-]{0,95}$/;
const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);
const HUB_HOSTS = new Set(['huggingface.co', 'www.huggingface.co', 'hf.co']);

export type ParsedAddress = { source: RemoteSource } | { problem: string };

/**
 * @param text "owner/name", "owner/name@revision", a page of the Hub, or the address of a folder that holds config.json
 * @param revision of a field of its own; wins over one in the text
 * @param endpoint another address of the Hub, whose pages count as the Hub's too
 */
export function parseModelAddress(text: string, revision = '', endpoint = HUB_ADDRESS): ParsedAddress {
  const typed = text.trim().replace(/^(www\.)?(huggingface\.co|hf\.co)\//, 'https://huggingface.co/');
  if (typed === '') return { problem: 'Write the id of a model, for example HuggingFaceTB/SmolLM2-135M-Instruct.' };
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(typed)) return parseAddress(typed, revision.trim(), endpoint);
  const [id = '', inText = '', ...rest] = typed.split('@');
  if (rest.length > 0) return { problem: 'A model id has at most one @, before the revision.' };
  if (!id.includes('/')) return { problem: `A model id has an owner and a name: owner/${id || 'name'}. GPT-2, for one, is openai-community/gpt2.` };
  return hubSource(id, revision.trim() || inText);
}

function parseAddress(typed: string, revision: string, endpoint: string): ParsedAddress {
  let url: URL;
  try {
    url = new URL(typed);
  } catch {
    return { problem: 'This is not an address a browser understands.' };
  }
  const parts = url.pathname.split('/').filter(Boolean).map(safeDecode);
  if (HUB_HOSTS.has(url.hostname) || url.origin === originOf(endpoint)) {
    const [owner, name, verb, ...after] = parts;
    if (owner && name && owner !== 'datasets' && owner !== 'spaces') {
      const named = verb === 'tree' || verb === 'blob' || verb === 'resolve' || verb === 'commit' ? (after[0] ?? '') : '';
      return hubSource(`${owner}/${name}`, revision || named);
    }
    return { problem: 'This page of the Hub is not a model: its address looks like huggingface.co/owner/name.' };
  }
  const unsafe = problemOfOrigin(url);
  if (unsafe) return { problem: unsafe };
  // A file in the folder stands for the folder.
  if (/\.(json|safetensors|txt|md|model)$/i.test(parts.at(-1) ?? '')) parts.pop();
  const path = parts.map(encodeURIComponent).join('/');
  const meaningful = parts.filter((part) => !/^(resolve|raw|blob|tree|main|master)$/.test(part));
  return { source: { kind: 'url', name: meaningful.slice(-2).join('/') || url.host, baseUrl: `${url.origin}/${path}${path ? '/' : ''}` } };
}

function hubSource(id: string, revision: string): ParsedAddress {
  if (!HUB_ID.test(id)) return { problem: `"${id}" is not a model id: owner/name, with letters, digits, dots, dashes and underscores.` };
  if (/[\s?#]/.test(revision)) return { problem: `"${revision}" is not a revision: a branch, a tag or a commit.` };
  return { source: { kind: 'hub', id, revision: revision || DEFAULT_REVISION } };
}

/** Why an address cannot be used as the Hub's; null if it can. Empty means the Hub itself. */
export function problemOfEndpoint(text: string): string | null {
  if (text.trim() === '') return null;
  try {
    return problemOfOrigin(new URL(text.trim()));
  } catch {
    return 'Write a whole address, for example https://hub.example.org.';
  }
}

/** Whether an address is on this very machine. */
export function isLoopback(address: string): boolean {
  try {
    return LOOPBACK.has(new URL(address).hostname);
  } catch {
    // No address at all.
    return false;
  }
}

/** Downloads come by https, or from this very machine. */
function problemOfOrigin(url: URL): string | null {
  if (url.protocol === 'https:' || (url.protocol === 'http:' && LOOPBACK.has(url.hostname))) return null;
  return 'Only https addresses, or http on this machine, can be used.';
}

function originOf(address: string): string | null {
  try {
    return new URL(address).origin;
  } catch {
    // A half-typed endpoint is nobody's address.
    return null;
  }
}

function safeDecode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** What people call a source. */
export function nameOfSource(source: ModelSource): string {
  return source.kind === 'hub' ? source.id : source.name;
}

/** Where it comes from, short: "huggingface.co", "127.0.0.1:8080". */
export function placeOfSource(source: RemoteSource, endpoint: string | undefined): string {
  return new URL(source.kind === 'url' ? source.baseUrl : (endpoint ?? HUB_ADDRESS)).host;
}
