/** `logits`: what a language model computes for a row of token ids, as plain numbers, to compare it with other software. */
import { EngineError } from '../../src/base/errors.ts';
import type { LanguageModel } from '../../src/lm/params.ts';
import { filesSource } from '../../src/loader/folderSource.ts';
import { ADAPTER_OPTIONS, toAdapterOption } from '../adapterOption.ts';
import type { Command } from '../command.ts';
import { readDiskFolder } from '../diskFolder.ts';
import { MODEL_OPTION, openModelOption } from '../modelOption.ts';
import { findGpu, toBackend } from '../openEngine.ts';
import { UsageError } from '../options.ts';
import { writeOutputFile } from '../outputs.ts';

/** @throws UsageError */
export function toTokenIds(text: string): number[] {
  if (!/^\s*\d+\s*(,\s*\d+\s*)*$/.test(text)) throw new UsageError(`--input-ids must be whole numbers with commas between them, such as 1,2,3; not "${text.slice(0, 60)}".`);
  return text.split(',').map(Number);
}

/** Nine digits tell every float32 from its neighbours. */
function* toNumbers(values: Float32Array): Generator<string> {
  const PIECE = 65536;
  for (let from = 0; from < values.length; from += PIECE)
    yield Array.from(values.subarray(from, from + PIECE), (value) => {
      if (!Number.isFinite(value)) throw new EngineError('internal', `The LM gave a logit that is no number (${value}). Are its weights whole?`);
      return String(Number(value.toPrecision(9)));
    }).join(',') + (from + PIECE < values.length ? ',' : '');
}

/** The JSON text, piece by piece: logits of large vocabularies are longer than a string may be. */
async function* toJson({ config }: LanguageModel, ids: number[], pieces: AsyncIterable<Float32Array>): AsyncGenerator<string> {
  yield `{"shape": [${ids.length}, ${config.vocabSize}], "logits": [`;
  let first = true;
  for await (const piece of pieces) {
    if (!first) yield ',';
    first = false;
    yield* toNumbers(piece);
  }
  yield ']}\n';
}

export const logitsCommand: Command = {
  usage: 'logits --model DIR_OR_ID --input-ids 1,2,3 [--adapter DIR] [--backend webgpu|wasm] --out FILE.json',
  about:
    'Writes {"shape": [T, V], "logits": […]}: the logits of every position for these token ids, row after row, float32 in nine digits.\n' +
    'Needs config.json and safetensors, no tokenizer. --adapter is a PEFT folder (adapter_config.json, adapter_model.safetensors).',
  options: {
    model: { ...MODEL_OPTION, required: true },
    'input-ids': { value: 'IDS', description: 'token ids, with commas between them', required: true },
    ...ADAPTER_OPTIONS,
    backend: { value: 'NAME', description: 'auto, webgpu or wasm', default: 'auto' },
    out: { value: 'FILE', description: 'JSON file to write', required: true },
  },
  async run(values) {
    const ids = toTokenIds(values['input-ids'] as string);
    const adapterOption = toAdapterOption(values);
    const backend = toBackend(values.backend);
    const model = await openModelOption(values.model as string);
    const adapter = adapterOption && { folder: filesSource(await readDiskFolder(adapterOption.folder)), strength: adapterOption.strength };
    const gpu = await findGpu(backend);
    if (backend === 'webgpu' && !gpu) throw new EngineError('unsupported', 'This machine has no WebGPU adapter. Use --backend wasm.');
    // Late, so that tfjs finds the WebGPU globals.
    const { withLm } = await import('../openLm.ts');
    const { logitsInPieces } = await import('../../src/lm/readLogits.ts');
    await withLm({ backend: gpu ? 'webgpu' : 'wasm', ...(gpu ? { gpu } : {}), model, ...(adapter ? { adapter } : {}) }, async (lm) => {
      await writeOutputFile(values.out as string, toJson(lm, ids, logitsInPieces(lm, ids)));
    });
  },
};
