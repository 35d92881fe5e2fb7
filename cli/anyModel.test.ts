import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Rng } from '../src/base/rng.ts';
import { parseLmConfig } from '../src/config/lm.ts';
import { parameterShapes } from '../src/config/lmParameters.ts';
import { writePeftAdapter } from '../src/export/peftAdapter.ts';
import { initialAdapter } from '../src/lm/adapter.ts';
import { writeSafetensors } from '../src/loader/safetensors.ts';
import { tinyModelFiles } from '../src/testing/engineHarness.ts';
import { type HubServer, startHubServer } from '../src/testing/hubServer.ts';
import { runCaptured } from './captured.ts';

const folder = mkdtempSync(join(tmpdir(), 'any-model-'));
const at = (name: string) => join(folder, name);
const sizes = { vocab_size: 480, hidden_size: 16, intermediate_size: 24, num_hidden_layers: 2, num_attention_heads: 2, max_position_embeddings: 128, tie_word_embeddings: false };
const FAMILIES: Record<string, Record<string, unknown>> = {
  llama: { ...sizes, model_type: 'llama', num_key_value_heads: 1 },
  gpt2: { model_type: 'gpt2', vocab_size: 480, n_embd: 16, n_layer: 2, n_head: 2, n_positions: 128 },
  gpt_neox: { ...sizes, model_type: 'gpt_neox' },
  qwen2: { ...sizes, model_type: 'qwen2', num_key_value_heads: 1 },
  qwen3: { ...sizes, model_type: 'qwen3', num_key_value_heads: 1, head_dim: 8 },
  gemma3_text: { ...sizes, model_type: 'gemma3_text', num_key_value_heads: 1, head_dim: 8, sliding_window: 16 },
};

/** A model with random weights and the tokenizer of the tests. */
function filesOf(raw: Record<string, unknown>, seed: number): Map<string, Uint8Array> {
  const rng = new Rng(seed);
  const shapes = parameterShapes(parseLmConfig(raw));
  const weights = new Map([...shapes].map(([name, shape]) => [name, { shape, data: Float32Array.from({ length: shape.reduce((product, size) => product * size, 1) }, () => 0.3 * rng.normal()) }]));
  const tokenizer = tinyModelFiles().files.filter(({ path }) => path.startsWith('tokenizer'));
  return new Map([
    ['config.json', new TextEncoder().encode(JSON.stringify({ ...raw, eos_token_id: 0 }))],
    ['model.safetensors', writeSafetensors(weights, 'F16', { format: 'pt' })],
    ...tokenizer.map(({ path, data }): [string, Uint8Array] => [path, data as Uint8Array]),
  ]);
}

let hub: HubServer;
const environment = { ...process.env };
beforeAll(async () => {
  for (const [name, raw] of Object.entries(FAMILIES)) {
    mkdirSync(at(name));
    for (const [path, bytes] of filesOf(raw, 1)) writeFileSync(join(at(name), path), bytes);
  }
  mkdirSync(at('tuned'));
  for (const [path, bytes] of filesOf(FAMILIES.llama!, 2)) writeFileSync(join(at('tuned'), path), bytes);
  hub = await startHubServer({ repos: { 'tests/tiny': { files: filesOf(FAMILIES.qwen2!, 1), licence: 'apache-2.0' }, 'tests/gated': { files: filesOf(FAMILIES.llama!, 1), gated: 'manual' } } });
  Object.assign(process.env, { HF_ENDPOINT: hub.endpoint, SIDESTEP_CACHE: at('cache') });
  delete process.env.HF_TOKEN;
});
afterEach(() => {
  delete process.env.HF_TOKEN;
});
afterAll(async () => {
  await hub.close();
  process.env = environment;
  rmSync(folder, { recursive: true, force: true });
});

const greedy = ['--prompt', 'Hello there', '--temperature', '0', '--max-new-tokens', '6', '--backend', 'wasm'];
/** The only record's answer. */
const answerOf = (records: string): string => (JSON.parse(records) as { response: { text: string; token_count: number } }).response.text;

describe('commands on any model', () => {
  it.each(Object.keys(FAMILIES))('generate the same text twice from a folder: %s', async (name) => {
    const [first, second] = [await runCaptured('generate', '--model', at(name), ...greedy), await runCaptured('generate', '--model', at(name), ...greedy)];
    expect(first.status, first.stderr).toBe(0);
    expect(first.stdout).toContain('"token_count":');
    expect(answerOf(second.stdout)).toBe(answerOf(first.stdout));
  });

  it('compares a full fine-tune with its base: both are judged, and another architecture is refused', async () => {
    writeFileSync(at('prompts.jsonl'), ['harmful', 'borderline', 'everyday'].map((set) => `${JSON.stringify({ prompt: `A ${set} prompt?`, set, reference: 'Yes.' })}\n`).join(''));
    const args = ['evaluate', '--model', at('llama'), '--prompts', at('prompts.jsonl'), '--max-new-tokens', '4', '--batch-size', '4', '--backend', 'wasm'];
    const { status, stdout, stderr } = await runCaptured(...args, '--tuned', at('tuned'), '--base', '--out', at('compared'));
    expect(status, stderr).toBe(0);
    expect(stdout).toMatch(/^ +base +tuned\nharmful /);
    const { base, tuned } = JSON.parse(readFileSync(at('compared/metrics.json'), 'utf8')) as Record<string, { perplexity: number; weights_fingerprint: string }>;
    expect(base!.weights_fingerprint).not.toBe(tuned!.weights_fingerprint);
    expect(readFileSync(at('compared/base_answers.jsonl'), 'utf8')).not.toBe(readFileSync(at('compared/answers.jsonl'), 'utf8'));
    const refused = await runCaptured(...args, '--tuned', at('qwen2'));
    expect(refused.status).toBe(2);
    expect(refused.stderr).toContain('It has to be a fine-tune of llama');
  });

  it.each(['llama', 'gpt2', 'gpt_neox', 'gemma3_text'])('put a PEFT adapter beside the model, at any strength: %s', async (name) => {
    const config = parseLmConfig(FAMILIES[name]);
    const lora = { r: 4, loraAlpha: 64, loraDropout: 0, targetModules: 'all-linear' as const, useRslora: false };
    const rng = new Rng(5);
    const tensors = new Map([...initialAdapter(config, lora, 1)].map(([key, { shape, data }]) => [key, { shape, data: data.map(() => 0.5 * rng.normal()) }]));
    mkdirSync(at(`${name}-adapter`));
    for (const { path, bytes } of writePeftAdapter(config, { config: lora, tensors }, { nameOrPath: name, revision: null })) writeFileSync(join(at(`${name}-adapter`), path), bytes);
    const generated = async (...args: string[]) => {
      const { status, stdout, stderr } = await runCaptured('generate', '--model', at(name), ...greedy, ...args);
      expect(status, stderr).toBe(0);
      return answerOf(stdout);
    };
    const [base, tuned, none] = [await generated(), await generated('--adapter', at(`${name}-adapter`)), await generated('--adapter', at(`${name}-adapter`), '--strength', '0')];
    expect(none).toBe(base);
    expect(tuned).not.toBe(base);
  });

  it('compares an adapter with its base', async () => {
    const args = ['--model', at('llama'), '--adapter', at('llama-adapter'), '--base', '--prompts', at('prompts.jsonl'), '--max-new-tokens', '4', '--batch-size', '4', '--backend', 'wasm'];
    const { status, stdout, stderr } = await runCaptured('evaluate', ...args);
    expect(status, stderr).toBe(0);
    const [base, tuned] = /perplexity +(\S+) +(\S+)/.exec(stdout)!.slice(1).map(Number) as [number, number];
    expect(base).not.toBe(tuned);
  });

  it('take a Hub id: inspected, downloaded once, listed, verified and deleted', async () => {
    const inspected = await runCaptured('inspect', '--model', 'tests/tiny', '--backend', 'wasm');
    expect(inspected.status, inspected.stderr).toBe(0);
    expect(inspected.stdout).toContain('family qwen2');
    expect(inspected.stdout).toContain('licence apache-2.0');
    expect(inspected.stdout).toMatch(/LoRA: fits\. About .* of the 4\.29 GB available are needed\./);
    expect(hub.calls.some(({ path }) => path.includes('model.safetensors'))).toBe(false);
    const generated = await runCaptured('generate', '--model', 'tests/tiny', ...greedy);
    expect(generated.status, generated.stderr).toBe(0);
    const fetched = hub.calls.length;
    const fromFolder = await runCaptured('generate', '--model', at('qwen2'), ...greedy);
    expect(answerOf(generated.stdout)).toBe(answerOf(fromFolder.stdout));
    await runCaptured('logits', '--model', 'tests/tiny', '--input-ids', '1,2', '--backend', 'wasm', '--out', at('logits.json'));
    expect(hub.calls.slice(fetched).filter(({ path }) => path.endsWith('.safetensors'))).toEqual([]);
    expect((await runCaptured('models')).stdout).toMatch(/^tests\/tiny {2}.* {2}apache-2\.0 {2}last used /);
    expect((await runCaptured('models', '--verify', 'tests/tiny')).stdout).toBe('All files of tests/tiny are as they should be.\n');
    expect((await runCaptured('models', '--delete', 'tests/tiny')).stdout).toBe('tests/tiny is deleted.\n');
    expect((await runCaptured('models')).stdout).toContain('No models in ');
  });

  it('say what a gated model needs, and take the token from the environment without telling it', async () => {
    const refused = await runCaptured('inspect', '--model', 'tests/gated', '--backend', 'wasm');
    expect(refused.status).toBe(2);
    expect(refused.stderr).toMatch(/token/i);
    process.env.HF_TOKEN = 'hf_right';
    const admitted = await runCaptured('inspect', '--model', 'tests/gated', '--backend', 'wasm');
    expect(admitted.status, admitted.stderr).toBe(0);
    expect(admitted.stdout + admitted.stderr).not.toContain('hf_right');
  });

  it.each([
    ['a model of the Hub that does not exist', ['generate', '--model', 'tests/none', '--prompt', 'x', '--backend', 'wasm']],
    ['a fine-tune given twice', ['evaluate', '--adapter', 'x', '--tuned', 'y']],
    ['a base without a fine-tune', ['evaluate', '--base']],
    ['a model that is not in the cache', ['models', '--delete', 'tests/none']],
    ['two things to do', ['models', '--delete', 'a', '--verify', 'a']],
  ])('answer %s with exit code 2', async (_, args) => {
    const { status, stdout } = await runCaptured(...args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  });
});
