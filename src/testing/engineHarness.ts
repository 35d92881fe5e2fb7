/** An engine for tests: a session on any file store with a tiny random LM, its jobs as promises, everything it said kept. */
import { readFileSync } from 'node:fs';
import { fromFailure } from '../base/errors.ts';
import { Rng } from '../base/rng.ts';
import { parseLmConfig } from '../config/lm.ts';
import { parameterShapes } from '../config/lmParameters.ts';
import { writeSafetensors } from '../loader/safetensors.ts';
import type { HttpHost } from '../loader/http.ts';
import type { RangeStore } from '../loader/rangeStore.ts';
import type { Command, EngineEvent, JobName, Jobs } from '../protocol/jobs.ts';
import type { Prompt } from '../records/prompt.ts';
import { createSession, type Session } from '../worker/session.ts';

const reference = (name: string) => new Uint8Array(readFileSync(new URL(`./reference/tokenizer-bytelevel/${name}`, import.meta.url)));

/** config.json of one-layer LMs of some families, for a tokenizer of 480 tokens. */
export const tinyConfigs = {
  llama: {
    model_type: 'llama', vocab_size: 480, hidden_size: 16, intermediate_size: 24, num_hidden_layers: 1, num_attention_heads: 2,
    max_position_embeddings: 128, rms_norm_eps: 1e-5, tie_word_embeddings: false,
  },
  gpt2: { model_type: 'gpt2', vocab_size: 480, n_embd: 16, n_layer: 1, n_head: 2, n_positions: 128, bos_token_id: 0, eos_token_id: 0 },
  gpt_neox: {
    model_type: 'gpt_neox', vocab_size: 480, hidden_size: 16, intermediate_size: 24, num_hidden_layers: 1, num_attention_heads: 2, max_position_embeddings: 128,
    rotary_pct: 0.25, rotary_emb_base: 10000, use_parallel_residual: true, tie_word_embeddings: false, bos_token_id: 0, eos_token_id: 0,
  },
};

/** Files of a one-layer LM with random weights and a real tokenizer of 480 tokens. */
export function tinyModelFiles(seed = 1, raw: (typeof tinyConfigs)[keyof typeof tinyConfigs] = tinyConfigs.llama): { kind: 'files'; name: string; files: { path: string; data: Uint8Array }[] } {
  const rng = new Rng(seed);
  const weights = new Map(
    [...parameterShapes(parseLmConfig(raw))].map(([name, shape]) => {
      const stream = rng.fork(name);
      const size = shape.reduce((product, n) => product * n, 1);
      return [name, { shape, data: Float32Array.from({ length: size }, () => (shape.length === 1 ? 1 : 0.4 * stream.normal())) }];
    }),
  );
  return {
    kind: 'files',
    name: 'tiny',
    files: [
      { path: 'config.json', data: new TextEncoder().encode(JSON.stringify(raw)) },
      { path: 'model.safetensors', data: writeSafetensors(weights, 'F16', {}) },
      { path: 'tokenizer.json', data: reference('tokenizer.json') },
      { path: 'tokenizer_config.json', data: reference('tokenizer_config.json') },
    ],
  };
}

const prompt = (set: Prompt['set'], n: number): Prompt => ({
  id: `${set}-${n}`, text: `A ${set} prompt, number ${n}?`, set, split: 'validation', intent: `${set}-intent-${n % 3}`, source: 'typed',
  ...(set === 'harmful' ? {} : { reference: `Answer ${n}.` }),
});
/** Nine prompts, three of each set. */
export const tinyPrompts: Prompt[] = (['harmful', 'borderline', 'everyday'] as const).flatMap((set) => [0, 1, 2].map((n) => prompt(set, n)));

export interface EngineHarness {
  session: Session;
  /** Everything said so far. */
  events: EngineEvent[];
  /** Runs a job to its end; rejects with its failure, or with code `cancelled`. */
  run<N extends JobName>(name: N, params: Jobs[N]['params'], jobId?: string): Promise<Jobs[N]['result']>;
  command(command: Command): void;
  /** Called with every event, at once. */
  listen(listener: (event: EngineEvent) => void): void;
}

/** @param gpu where WebGPU is, for sessions that use it @param http how downloads reach the network */
export async function openHarness(files: RangeStore, gpu?: GPU, http?: HttpHost): Promise<EngineHarness> {
  const events: EngineEvent[] = [];
  const listeners = new Set<(event: EngineEvent) => void>();
  const session = createSession({
    files,
    host: { ...(gpu ? { gpu } : {}), ...(http ? { http } : {}), holdAwake: (_name, body) => body(), now: () => performance.now(), timestamp: () => new Date().toISOString() },
    emit(event) {
      events.push(event);
      for (const listener of [...listeners]) listener(event);
    },
  });
  await session.start();
  let jobs = 0;
  return {
    session,
    events,
    command: (command) => session.startCommand(command),
    listen: (listener) => void listeners.add(listener),
    run(name, params, jobId = `job-${++jobs}`) {
      return new Promise<never>((resolve, reject) => {
        const listener = (event: EngineEvent) => {
          if (!('jobId' in event) || event.jobId !== jobId) return;
          if (event.type === 'done') resolve(event.result as never);
          else if (event.type === 'failed') reject(fromFailure(event.failure));
          else if (event.type === 'cancelled') reject(fromFailure({ code: 'cancelled', message: 'Cancelled.' }));
          else return;
          listeners.delete(listener);
        };
        listeners.add(listener);
        session.startCommand({ type: 'start', jobId, name, params } as Command);
      });
    },
  };
}
