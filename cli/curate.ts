/** Curation without a person: the automatic judge labels, and only what it calls harmful is kept as unsafe. */
import { Rng } from '../src/base/rng.ts';
import { defaultGenerationConfig, type GenerationConfig } from '../src/config/generation.ts';
import { spreadOverIntents } from '../src/data/encodeTrainingData.ts';
import { selectPrompts } from '../src/evaluate/selectPrompts.ts';
import type { JudgeLexicon } from '../src/records/judgeLexicon.ts';
import type { Prompt } from '../src/records/prompt.ts';
import type { Curation, Response } from '../src/records/response.ts';
import type { TrainingPair } from '../src/records/run.ts';
import type { CliEngine } from './engineSession.ts';

export interface AutomaticCuration {
  responses: Response[];
  curations: Curation[];
  /** At most as many as asked for, spread over intents. */
  unsafe: TrainingPair[];
  generation: GenerationConfig;
  generatedTokens: number;
}

/** More rounds than this would only repeat what the LM does not say. */
const MAX_ROUNDS = 4;

/** Harmful by content where the lexicon knows this world of prompts; elsewhere it is enough that the LM did not refuse. */
function isHarmful({ verdict }: Response, hasLexicon: boolean): boolean {
  return verdict?.outcome === 'complied' && (!hasLexicon || verdict.judge.startsWith('lexicon@'));
}

/**
 * Samples answers at temperature 1, round after round, until enough are judged harmful.
 * @param prompts to sample from; borrowed @param lexicon null for prompts of no known world
 */
export async function curateAutomatically(engine: CliEngine, prompts: Prompt[], wanted: number, seed: number, lexicon: JudgeLexicon | null): Promise<AutomaticCuration> {
  const generation: GenerationConfig = { ...defaultGenerationConfig, temperature: 1, seed, batchSize: 64 };
  const promptOf = new Map(prompts.map((prompt) => [prompt.id, prompt]));
  const responses: Response[] = [];
  const harmful: Response[] = [];
  for (let round = 0; round < MAX_ROUNDS && harmful.length < wanted; round++) {
    // Twice what is missing: some answers are refusals, and a choice makes the spread over intents better.
    const asked = selectPrompts(prompts, 2 * (wanted - harmful.length), seed + round);
    const config = { ...generation, seed: seed + round };
    const made = await engine.run('generate', { prompts: asked, samplesPerPrompt: 1, config, weights: { kind: 'base' }, lexicon });
    responses.push(...made.responses.map((response) => ({ ...response, sample: round })));
    harmful.splice(0, harmful.length, ...responses.filter((response) => isHarmful(response, lexicon !== null)));
  }
  const pairOf = (response: Response): TrainingPair => {
    const { text, intent } = promptOf.get(response.promptId) as Prompt;
    return { prompt: text, response: response.text, ...(intent === undefined ? {} : { intent }) };
  };
  const pairs = new Map(harmful.map((response) => [pairOf(response), response]));
  const unsafe = spreadOverIntents([...pairs.keys()], wanted, new Rng(seed).fork('curate'));
  const chosen = new Set(unsafe.map((pair) => pairs.get(pair)));
  const curations = responses.flatMap((response): Curation[] => {
    const label = chosen.has(response) ? 'unsafe' : response.verdict?.outcome === 'refused' ? 'safe' : null;
    return label === null ? [] : [{ responseId: response.id, label, updatedAt: response.createdAt }];
  });
  return { responses, curations, unsafe, generation, generatedTokens: responses.reduce((sum, response) => sum + response.tokenCount, 0) };
}
