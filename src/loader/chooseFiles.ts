/** Which files of a published model are worth a download: never weights in other formats, never what the engine does not read or hand on. */
import { EngineError } from '../base/errors.ts';
import { INDEX_FILE, SINGLE_FILE } from './weightFiles.ts';

export const CONFIG_FILE = 'config.json';

/** Read by the engine, or handed on in an export (other programs read those of the older tokenizers; licences want to travel along). */
export const SMALL_FILES = [
  CONFIG_FILE, 'generation_config.json', 'tokenizer.json', 'tokenizer_config.json', 'special_tokens_map.json', 'added_tokens.json', 'vocab.json', 'merges.txt', 'tokenizer.model',
  'chat_template.jinja', 'README.md', 'LICENSE', 'LICENSE.txt', 'LICENSE.md', 'NOTICE',
];

export interface FileChoice {
  small: string[];
  /** The one weights file; or the index, whose shards come on top. */
  weights: typeof SINGLE_FILE | typeof INDEX_FILE;
}

/**
 * @param paths all files of the model @param name for errors
 * @throws EngineError not-found, unsupported: what is missing, and what there is in its place
 */
export function chooseFiles(paths: readonly string[], name: string): FileChoice {
  const there = new Set(paths);
  if (!there.has(CONFIG_FILE)) {
    if (there.has('adapter_config.json'))
      throw new EngineError('unsupported', `${name} is a PEFT adapter, not a whole model. Load its base model, then import the adapter there.`);
    throw new EngineError('not-found', `${name} has no config.json. It must be a language model in the Hugging Face layout.`);
  }
  if (!there.has(SINGLE_FILE) && !there.has(INDEX_FILE)) {
    const others = paths.filter((path) => /\.(bin|pt|pth|h5|msgpack|onnx|gguf|ot)$/.test(path));
    if (others.length > 0)
      throw new EngineError('unsupported', `${name} has no model.safetensors, only ${others.slice(0, 2).join(' and ')}${others.length > 2 ? ' and others' : ''}. Weights must be safetensors: look for a revision that has them (such as "refs/pr/1"), or convert the model with save_pretrained of transformers.`);
    throw new EngineError('not-found', `${name} has no model.safetensors. Weights must be safetensors under this name, or in shards with model.safetensors.index.json.`);
  }
  if (!there.has('tokenizer.json'))
    throw new EngineError('unsupported', `${name} has no tokenizer.json. Only fast tokenizers are supported; AutoTokenizer of transformers writes the file with save_pretrained.`);
  return { small: SMALL_FILES.filter((path) => there.has(path)), weights: there.has(SINGLE_FILE) ? SINGLE_FILE : INDEX_FILE };
}
