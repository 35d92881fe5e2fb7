import { describe, expect, it } from 'vitest';
import { familyNamed } from '../config/families/registry.ts';
import type { LmConfig } from '../config/lmConfig.ts';
import { loraModules, loraNames, loraTargets, targetedModules, targetNames } from '../config/loraModules.ts';
import { storedRow } from '../config/storedForm.ts';
import { writePeftAdapter } from '../export/peftAdapter.ts';
import { randomFloats } from '../testing/arrays.ts';
import { filesSource } from './folderSource.ts';
import { ADAPTER_CONFIG, ADAPTER_WEIGHTS, readPeftAdapter } from './peftAdapter.ts';
import { parseSafetensors, writeSafetensors } from './safetensors.ts';

const configOf = (raw: Record<string, unknown>): LmConfig => familyNamed(raw.model_type).parse(raw);
const llama = configOf({ model_type: 'llama', vocab_size: 20, hidden_size: 16, intermediate_size: 24, num_hidden_layers: 2, num_attention_heads: 4, num_key_value_heads: 2 });
const gpt2 = configOf({ model_type: 'gpt2', vocab_size: 20, n_embd: 16, n_layer: 2, n_head: 2 });
const neox = configOf({ model_type: 'gpt_neox', vocab_size: 20, hidden_size: 16, intermediate_size: 24, num_hidden_layers: 1, num_attention_heads: 2 });

const lora = { r: 3, loraAlpha: 6, loraDropout: 0.1, targetModules: 'all-linear' as const, useRslora: false };

function randomAdapter(config: LmConfig, targets: readonly string[] | 'all-linear') {
  const tensors = new Map<string, { shape: number[]; data: Float32Array }>();
  targetedModules(config, targets).forEach(({ path, inputs, outputs }, i) => {
    const { a, b } = loraNames(path);
    tensors.set(a, { shape: [3, inputs], data: randomFloats(3 * inputs, 2 * i) });
    tensors.set(b, { shape: [outputs, 3], data: randomFloats(outputs * 3, 2 * i + 1) });
  });
  return tensors;
}

const write = (config: LmConfig, targets: readonly string[] | 'all-linear' = 'all-linear') =>
  writePeftAdapter(config, { config: lora, tensors: randomAdapter(config, targets) }, { nameOrPath: 'someone/tiny', revision: null });

/** The files with another config or other tensors. */
function change(files: { path: string; bytes: Uint8Array }[], changes: { config?: Record<string, unknown>; tensors?(tensors: ReturnType<typeof parseSafetensors>): void }) {
  const json = JSON.parse(new TextDecoder().decode(files[0]!.bytes)) as Record<string, unknown>;
  const tensors = parseSafetensors(files[1]!.bytes);
  changes.tensors?.(tensors);
  return [
    { path: ADAPTER_CONFIG, bytes: new TextEncoder().encode(JSON.stringify({ ...json, ...changes.config })) },
    { path: ADAPTER_WEIGHTS, bytes: writeSafetensors(tensors, 'F32', {}) },
  ];
}

describe('linear layers for LoRA', () => {
  it('are those of the blocks, without the head, called as in Hugging Face', () => {
    expect(loraTargets(llama)).toEqual(['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj']);
    expect(loraTargets(gpt2)).toEqual(['c_attn', 'c_proj', 'c_fc']);
    expect(loraTargets(neox)).toEqual(['query_key_value', 'dense', 'dense_h_to_4h', 'dense_4h_to_h']);
    expect(loraModules(llama).slice(0, 3).map(({ path, inputs, outputs, from }) => [path, inputs, outputs, from])).toEqual([
      ['model.layers.0.self_attn.q_proj', 16, 16, 0],
      ['model.layers.0.self_attn.k_proj', 16, 8, 16],
      ['model.layers.0.self_attn.v_proj', 16, 8, 24],
    ]);
    expect(loraModules(gpt2)[0]).toMatchObject({ path: 'transformer.h.0.attn.c_attn', inputs: 16, outputs: 48 });
  });

  it('are named by the ends of their paths, whole names only', () => {
    expect(targetedModules(gpt2, ['attn.c_proj', 'h.1.mlp.c_fc']).map(({ path }) => path)).toEqual(['transformer.h.0.attn.c_proj', 'transformer.h.1.attn.c_proj', 'transformer.h.1.mlp.c_fc']);
    expect(() => targetedModules(llama, ['q_proj', 'proj'])).toThrow(/no linear layer of this LM is called "proj"; it has q_proj/);
    const paths = new Set(targetedModules(gpt2, ['c_fc', 'attn.c_proj']).map(({ path }) => path));
    expect(targetNames(gpt2, paths)).toEqual(['c_fc', 'transformer.h.0.attn.c_proj', 'transformer.h.1.attn.c_proj']);
  });
});

describe('a PEFT adapter', () => {
  it.each([['llama', llama], ['gpt2', gpt2], ['gpt_neox', neox]] as const)('comes back as it was written: %s', async (_name, config) => {
    const read = await readPeftAdapter(filesSource(write(config)), config);
    expect(read.config).toEqual({ ...lora, targetModules: loraTargets(config) });
    expect(read.tensors).toEqual(randomAdapter(config, 'all-linear'));
    expect(read.baseModelNameOrPath).toBe('someone/tiny');
  });

  it('holds the rows of B of a fused q, k, v by head, as the file of GPT-NeoX does', async () => {
    const stored = parseSafetensors(write(neox)[1]!.bytes);
    const { b } = loraNames('gpt_neox.layers.0.attention.query_key_value');
    const ours = randomAdapter(neox, 'all-linear').get(b)!.data;
    for (let row = 0; row < 48; row++) expect(stored.get(b)!.data.slice(3 * storedRow(neox, row), 3 * storedRow(neox, row) + 3)).toEqual(ours.slice(3 * row, 3 * row + 3));
  });

  it('may lie in a folder, in half precision, and beside some layers only', async () => {
    const [config, weights] = write(llama, ['v_proj', 'up_proj']);
    const half = writeSafetensors(parseSafetensors(weights!.bytes), 'F16', {});
    const read = await readPeftAdapter(filesSource([{ path: 'mine/adapter_config.json', bytes: config!.bytes }, { path: 'mine/adapter_model.safetensors', bytes: half }, { path: 'mine/README.md', bytes: new Uint8Array() }]), llama);
    expect(read.tensors.size).toBe(8);
    expect(read.config.targetModules).toEqual(['v_proj', 'up_proj']);
  });

  it('lets the tensors decide where target_modules is a regular expression', async () => {
    const read = await readPeftAdapter(filesSource(change(write(llama, ['q_proj']), { config: { target_modules: '(a+)+$' } })), llama);
    expect(read.config.targetModules).toEqual(['q_proj']);
  });

  it.each([
    ['another LM', write(gpt2), /"transformer.h.0.attn.c_attn" is no linear layer of the loaded LM/],
    ['another rank', change(write(llama), { config: { r: 4 } }), /lora_A.weight" is \[3,\d+\]; this LM and r = 4 ask for \[4,\d+\]/],
    ['a module that the config does not name', change(write(llama), { config: { target_modules: ['q_proj'] } }), /which target_modules of adapter_config.json does not name/],
    ['a module that the config names and the file lacks', change(write(llama, ['q_proj']), { config: { target_modules: ['q_proj', 'v_proj'] } }), /no matrices for "model.layers.0.self_attn.v_proj"/],
    ['a module that is excluded', change(write(llama), { config: { target_modules: 'all-linear', exclude_modules: ['up_proj'] } }), /up_proj.*does not name/],
    ['one matrix of two', change(write(llama), { tensors: (tensors) => tensors.delete(loraNames('model.layers.1.mlp.up_proj').b) }), /up_proj.lora_B.weight" is missing/],
    ['other tensors', change(write(llama), { tensors: (tensors) => tensors.set('base_model.model.lm_head.weight', { dtype: 'F32', shape: [1], data: new Float32Array(1) }) }), /is no matrix of a LoRA adapter/],
    ['no numbers', change(write(llama), { tensors: (tensors) => tensors.get(loraNames('model.layers.0.mlp.up_proj').a)!.data.fill(NaN, 3, 4) }), /values that are no numbers/],
    ['no tensors', change(write(llama), { tensors: (tensors) => tensors.clear() }), /no tensors/],
    ['no config', write(llama).slice(1), /adapter_config.json is missing/],
    ['no weights', write(llama).slice(0, 1), /adapter_model.safetensors is missing/],
  ])('is refused with %s', async (_what, files, message) => {
    await expect(readPeftAdapter(filesSource(files), llama)).rejects.toThrow(message);
    await expect(readPeftAdapter(filesSource(files), llama)).rejects.toMatchObject({ name: 'EngineError' });
  });
});
