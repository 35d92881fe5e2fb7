/**
 * Opens a Hugging Face model folder: config, weights, tokenizer files, card. All of it is untrusted and checked here,
 * so that what follows can rely on names and shapes. Not for where bytes come from (fetchFolder.ts) nor for tensors (lm/params.ts).
 */
import { EngineError } from '../base/errors.ts';
import { parseLmConfig, type LmConfig } from '../config/lm.ts';
import { parseJson } from './parseJson.ts';
import type { WeightTensor } from './safetensors.ts';
import { readWeights } from './weightFiles.ts';

/** Files of a folder by relative path, wherever they lie. */
export interface FolderSource {
  /** All paths, where that can be known (not over HTTP). */
  list?(): string[];
  /**
   * The whole file; null if there is none.
   * @param onBytes called while it arrives: bytes so far, and of how many (null if unknown)
   * @throws EngineError network, cancelled
   */
  read(path: string, onBytes?: (loadedBytes: number, totalBytes: number | null) => void): Promise<Uint8Array | null>;
}

/** How far opening has come. */
export interface FolderProgress {
  /** The file that is arriving. */
  path: string;
  /** Of all files so far. */
  loadedBytes: number;
  /** Null until the size of the weights is known. */
  totalBytes: number | null;
}

export interface ModelFolder {
  config: LmConfig;
  /** Exactly the parameters of this architecture, with the right shapes. */
  weights: Map<string, WeightTensor>;
  /** Parsed, unchecked: createTokenizer checks the tokenizer's files. */
  tokenizerJson: unknown;
  tokenizerConfigJson: unknown;
  /** Null if the folder has none. */
  generationConfigJson: unknown;
  /** Contents of chat_template.jinja. */
  chatTemplate: string | null;
  /** Markdown of README.md. */
  card: string | null;
  /** sha256 of the weights file, hex; of shards: of their digests joined. */
  fingerprint: string;
  /** Of all files read. */
  sizeBytes: number;
  /** The small files as they came, for an untouched re-export; no weights. */
  otherFiles: Map<string, Uint8Array>;
  /** Tensors of the file that were left out because they change nothing, e.g. the copy of a tied head. */
  ignoredTensors: string[];
}

const TEMPLATE_FILE = 'chat_template.jinja';
/** Looked for where a folder cannot be listed. */
const OPTIONAL_FILES = ['tokenizer_config.json', 'generation_config.json', 'README.md'];
/** Weights, also in other formats, and hidden files: not carried along into an export. */
const NOT_CARRIED = /\.(safetensors|bin|pt|pth|ckpt|gguf|onnx|onnx_data|h5|msgpack|npz|zip|gz)$|\.index\.json$|(^|\/)\./i;

/**
 * @param onProgress told as bytes arrive
 * @throws EngineError not-found | bad-file | bad-config | unsupported, naming the file and what to do; and what the source throws
 */
export async function openModelFolder(source: FolderSource, onProgress?: (progress: FolderProgress) => void): Promise<ModelFolder> {
  let doneBytes = 0;
  const read = async (path: string, isLast = false): Promise<Uint8Array | null> => {
    const bytes = await source.read(path, (loadedBytes, totalBytes) =>
      onProgress?.({ path, loadedBytes: doneBytes + loadedBytes, totalBytes: isLast && totalBytes !== null ? doneBytes + totalBytes : null }),
    );
    doneBytes += bytes?.byteLength ?? 0;
    return bytes;
  };

  const otherFiles = new Map<string, Uint8Array>();
  const carry = async (path: string): Promise<Uint8Array | null> => {
    const bytes = await read(path);
    if (bytes) otherFiles.set(path, bytes);
    return bytes;
  };
  const required = async (path: string, advice: string): Promise<unknown> => {
    const bytes = await carry(path);
    if (!bytes) throw new EngineError('not-found', `${path} is missing. ${advice}`);
    return parseJson(path, bytes);
  };

  // Small files first, so that a folder that cannot be used is refused before the large download.
  const config = parseLmConfig(await required('config.json', 'Give the whole Hugging Face folder, with its files at the top.'));
  const tokenizerJson = await required('tokenizer.json', 'Only fast tokenizers are supported; transformers writes the file with save_pretrained.');
  const listed = source.list?.();
  for (const path of listed ? listed.filter((path) => !NOT_CARRIED.test(path)).sort() : OPTIONAL_FILES) if (!otherFiles.has(path)) await carry(path);
  const json = (path: string): unknown => {
    const bytes = otherFiles.get(path);
    return bytes ? parseJson(path, bytes) : null;
  };
  const text = (path: string): string | null => {
    const bytes = otherFiles.get(path);
    return bytes ? new TextDecoder().decode(bytes) : null;
  };
  const tokenizerConfigJson = json('tokenizer_config.json');
  // A request for a file that is most likely absent only where the template is not in its older place.
  if (!listed && (tokenizerConfigJson as { chat_template?: unknown } | null)?.chat_template === undefined) await carry(TEMPLATE_FILE);
  const generationConfigJson = json('generation_config.json');

  const { tensors: weights, ignored: ignoredTensors, fingerprint } = await readWeights(config, (path) => read(path, path === 'model.safetensors'));
  return {
    config,
    weights,
    tokenizerJson,
    tokenizerConfigJson,
    generationConfigJson,
    chatTemplate: text(TEMPLATE_FILE),
    card: text('README.md'),
    fingerprint,
    sizeBytes: doneBytes,
    otherFiles,
    ignoredTensors,
  };
}
