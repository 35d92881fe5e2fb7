/**
 * Small language models on the Hugging Face Hub that suit a browser, chosen by hand. Facts as their public pages tell them; the exact size, the
 * commit and the licence are asked of the Hub before anything is downloaded. Not a limit: any model of a supported family loads.
 */
import type { LmConfig } from './lm.ts';

export interface CuratedModel {
  /** "owner/name" on the Hub. */
  id: string;
  /** Branch; its commit is pinned when the model is inspected. */
  revision: string;
  /** For people. */
  name: string;
  family: LmConfig['modelType'] | (string & {});
  /** A tied head counts once. */
  parameters: number;
  /** Weights and tokenizer, rounded to a megabyte. */
  downloadBytes: number;
  /** As the model card names it. */
  licence: string;
  /** Whether the Hub asks for an accepted licence and a token. */
  gated: boolean;
  /** What it shows in a demonstration, one sentence. */
  goodFor: string;
}

const MB = 1_000_000;
const main = { revision: 'main', gated: false };
const apache = { ...main, licence: 'apache-2.0' };

/** The smallest download first, within a kind: chat models, then base models. */
export const CURATED_MODELS: readonly CuratedModel[] = [
  {
    ...apache, id: 'HuggingFaceTB/SmolLM2-135M-Instruct', name: 'SmolLM2 135M Instruct', family: 'llama', parameters: 134_515_008, downloadBytes: 271 * MB,
    goodFor: 'The first real model to try: answers in chat form, and LoRA steps on it fit most devices.',
  },
  {
    ...main, licence: 'gemma', gated: true, id: 'google/gemma-3-270m-it', name: 'Gemma 3 270M IT', family: 'gemma3_text', parameters: 268_098_176, downloadBytes: 570 * MB,
    goodFor: 'Follows instructions well for its size; its vocabulary of 262 144 tokens is the hard case for memory. Needs accepted terms and a token.',
  },
  {
    ...apache, id: 'HuggingFaceTB/SmolLM2-360M-Instruct', name: 'SmolLM2 360M Instruct', family: 'llama', parameters: 361_821_120, downloadBytes: 726 * MB,
    goodFor: 'Noticeably better answers than 135M for less than three times the memory.',
  },
  {
    ...apache, id: 'Qwen/Qwen2.5-0.5B-Instruct', name: 'Qwen2.5 0.5B Instruct', family: 'qwen2', parameters: 494_032_768, downloadBytes: 995 * MB,
    goodFor: 'Several languages, and refusals that it was trained for: shows over-refusal before and after.',
  },
  {
    ...apache, id: 'Qwen/Qwen3-0.6B', name: 'Qwen3 0.6B', family: 'qwen3', parameters: 596_049_920, downloadBytes: 1_515 * MB,
    goodFor: 'A recent chat model that can think before it answers; needs a GPU with a few gigabytes.',
  },
  {
    ...apache, id: 'TinyLlama/TinyLlama-1.1B-Chat-v1.0', name: 'TinyLlama 1.1B Chat', family: 'llama', parameters: 1_100_048_384, downloadBytes: 2_203 * MB,
    goodFor: 'The upper end of what a browser tab can hold: for GPUs with much memory.',
  },
  {
    ...apache, id: 'EleutherAI/pythia-70m', name: 'Pythia 70M', family: 'gpt_neox', parameters: 70_426_624, downloadBytes: 168 * MB,
    goodFor: 'The smallest download: a base model made for research, small enough for a full fine-tune.',
  },
  {
    ...apache, id: 'HuggingFaceTB/SmolLM2-135M', name: 'SmolLM2 135M', family: 'llama', parameters: 134_515_008, downloadBytes: 271 * MB,
    goodFor: 'The base model of the Instruct one: shows what chat training alone changes.',
  },
  {
    ...apache, id: 'distilbert/distilgpt2', name: 'DistilGPT-2', family: 'gpt2', parameters: 81_912_576, downloadBytes: 355 * MB,
    goodFor: 'A base model without any safety training: shows toxic continuations, and how they fade.',
  },
  {
    ...apache, id: 'EleutherAI/pythia-160m', name: 'Pythia 160M', family: 'gpt_neox', parameters: 162_322_944, downloadBytes: 377 * MB,
    goodFor: 'A base model with 154 public training checkpoints, for comparisons along pretraining.',
  },
  {
    ...apache, id: 'google/gemma-3-270m', name: 'Gemma 3 270M', family: 'gemma3_text', licence: 'gemma', gated: true, parameters: 268_098_176, downloadBytes: 570 * MB,
    goodFor: 'The base model of Gemma 3 270M IT. Needs accepted terms and a token.',
  },
  {
    ...main, licence: 'mit', id: 'openai-community/gpt2', name: 'GPT-2', family: 'gpt2', parameters: 124_439_808, downloadBytes: 550 * MB,
    goodFor: 'The model that most papers on detoxification report: for comparison with published numbers.',
  },
  {
    ...apache, id: 'HuggingFaceTB/SmolLM2-360M', name: 'SmolLM2 360M', family: 'llama', parameters: 361_821_120, downloadBytes: 726 * MB,
    goodFor: 'The base model of SmolLM2 360M Instruct.',
  },
  {
    ...apache, id: 'Qwen/Qwen2.5-0.5B', name: 'Qwen2.5 0.5B', family: 'qwen2', parameters: 494_032_768, downloadBytes: 995 * MB,
    goodFor: 'The base model of Qwen2.5 0.5B Instruct.',
  },
];
