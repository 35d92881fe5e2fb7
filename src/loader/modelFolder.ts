/**
 * Opens a Hugging Face model folder: config, weights, tokenizer files, card. All of it is untrusted and checked here,
 * so that what follows can rely on names and shapes. Small files are read whole; of the weights the headers alone.
 * Not for where bytes come from (folderSource.ts) nor for tensors on the device (lm).
 */
import { EngineError } from '../base/errors.ts';
import { parseLmConfig, type LmConfig } from '../config/lm.ts';
import type { FolderSource } from './folderSource.ts';
import { readWhole } from './modelFile.ts';
import { parseJson } from './parseJson.ts';
import type { StoredTensor } from './storedTensor.ts';
import { readWeights, SINGLE_FILE } from './weightFiles.ts';

/** How far opening has come. */
export interface FolderProgress {
  /** Arriving, or passing through the hash. Bytes count anew in each phase. */
  phase: 'reading' | 'hashing';
  /** The file in question. */
  path: string;
  /** Of all files so far. */
  loadedBytes: number;
  /** Null until the size of the weights is known. Of all weights in the phase `hashing`. */
  totalBytes: number | null;
}

export interface ModelFolder {
  config: LmConfig;
  /** Exactly the parameters of this architecture, with the right shapes; they read from the source, which must stay open. */
  tensors: Map<string, StoredTensor>;
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
  /** Of all files used. */
  sizeBytes: number;
  /** The small files as they came, for an untouched re-export; no weights. */
  otherFiles: Map<string, Uint8Array>;
  /** Tensors of the file that were left out because they change nothing, e.g. the copy of a tied head. */
  ignoredTensors: string[];
}

const TEMPLATE_FILE = 'chat_template.jinja';
/** What a folder has in place of tokenizer.json where its tokenizer is a slow one. */
const SLOW_TOKENIZER = /^(tokenizer|spiece|sentencepiece\.bpe)\.model$|^vocab\.(json|txt)$|\.tiktoken$/;
/** Looked for where a folder cannot be listed. */
const OPTIONAL_FILES = ['tokenizer_config.json', 'generation_config.json', 'README.md'];
/** Larger than any tokenizer.json in use (33 MB). */
const MAX_SMALL_BYTES = 2 ** 27;
/** Weights, also in other formats, and hidden files: not carried along into an export. */
const NOT_CARRIED = /\.(safetensors|bin|pt|pth|ckpt|gguf|onnx|onnx_data|h5|msgpack|npz|zip|gz)$|\.index\.json$|(^|\/)\./i;

export interface OpenFolderOptions {
  /** Told as bytes arrive or are hashed. */
  onProgress?(progress: FolderProgress): void;
  /** Ends the hashing of large weights. */
  signal?: AbortSignal;
}

/**
 * @param source has to stay as it is for as long as tensors are read
 * @throws EngineError not-found | bad-file | bad-config | unsupported, naming the file and what to do; and what the source throws
 */
export async function openModelFolder(source: FolderSource, { onProgress, signal }: OpenFolderOptions = {}): Promise<ModelFolder> {
  /** Of the small files, then of whole shards too. */
  let doneBytes = 0;
  const listed = await source.list();
  const read = async (path: string): Promise<Uint8Array | null> => {
    const file = await source.open(path, (loadedBytes) => onProgress?.({ phase: 'reading', path, loadedBytes: doneBytes + loadedBytes, totalBytes: null }));
    if (!file) return null;
    doneBytes += file.sizeBytes;
    return readWhole(file, MAX_SMALL_BYTES);
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
  const slow = listed?.find((path) => SLOW_TOKENIZER.test(path));
  const tokenizerJson = await required('tokenizer.json', `${slow ? `There is ${slow}, but only` : 'Only'} fast tokenizers are supported; in Python, AutoTokenizer.from_pretrained(FOLDER).save_pretrained(FOLDER) writes the file.`);
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

  const smallBytes = doneBytes;
  let path = '';
  let lastBytes = 0;
  const weights = await readWeights(config, source, {
    ...(signal ? { signal } : {}),
    onFetched(fetched, loadedBytes, totalBytes) {
      // Fetching a further shard: those before it are done.
      if (fetched !== path) doneBytes += lastBytes;
      path = fetched;
      lastBytes = loadedBytes;
      onProgress?.({ phase: 'reading', path, loadedBytes: doneBytes + loadedBytes, totalBytes: path === SINGLE_FILE && totalBytes !== null ? doneBytes + totalBytes : null });
    },
    onHashed: (hashed, loadedBytes, totalBytes) => onProgress?.({ phase: 'hashing', path: hashed, loadedBytes, totalBytes }),
  });
  return {
    config,
    tensors: weights.tensors,
    tokenizerJson,
    tokenizerConfigJson,
    generationConfigJson,
    chatTemplate: text(TEMPLATE_FILE),
    card: text('README.md'),
    fingerprint: weights.fingerprint,
    sizeBytes: smallBytes + weights.sizeBytes,
    otherFiles,
    ignoredTensors: weights.ignored,
  };
}
