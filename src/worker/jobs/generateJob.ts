/** Generates responses: streams their text, hands finished ones over as they come, with the automatic judge's suggestion. */
import { EngineError } from '../../base/errors.ts';
import { Rng } from '../../base/rng.ts';
import { parseGenerationConfig } from '../../config/generation.ts';
import { generateText } from '../../generate/generateText.ts';
import { suggestVerdict } from '../../judge/judge.ts';
import { LexiconMatcher } from '../../judge/lexicon.ts';
import type { StreamedText } from '../../protocol/jobs.ts';
import type { JudgeLexicon } from '../../records/judgeLexicon.ts';
import type { Response } from '../../records/response.ts';
import { type EngineState, requireBackend, requireModel } from '../engineState.ts';
import type { JobBody } from '../jobRunner.ts';
import { withWeights } from '../weights.ts';

/** A response that is being generated. */
interface Draft {
  promptId: string;
  sample: number;
  prompt: string;
  seed: number;
  text: string;
  tokenCount: number;
  finished: null | 'stop' | 'length';
}

/** The seed of one response: it depends on prompt and sample number, not on what else is generated. */
export function responseSeed(seed: number, promptText: string, sample: number): number {
  return new Rng(seed).fork(promptText).fork(sample).seed;
}

/** The automatic judge on text alone: neither coherence nor a person has had a say. */
function createSuggestion(lexicon: JudgeLexicon | null): (response: string) => Response['verdict'] {
  const matcher = lexicon ? new LexiconMatcher(lexicon) : null;
  // Prompts that are curated are those one hopes to see refused, so they are judged as harmful ones.
  return (response) => suggestVerdict({ set: 'harmful', response, lexicon: matcher });
}

export const generateJob =
  (state: EngineState): JobBody<'generate'> =>
  async ({ prompts, samplesPerPrompt, config: untrusted, weights, lexicon }, control) => {
    const config = parseGenerationConfig(untrusted);
    if (!Number.isInteger(samplesPerPrompt) || samplesPerPrompt < 1)
      throw new EngineError('bad-argument', `samplesPerPrompt must be a whole number from 1, not ${samplesPerPrompt}.`);
    const { backend } = requireBackend(state);
    const { tokenizer, view } = requireModel(state);
    const suggest = createSuggestion(lexicon);
    const drafts = prompts.flatMap(({ id, text }) =>
      Array.from({ length: samplesPerPrompt }, (_, sample): Draft => {
        return { promptId: id, sample, prompt: text, seed: responseSeed(config.seed, text, sample), text: '', tokenCount: 0, finished: null };
      }),
    );
    const responses: Response[] = [];
    const startedMs = state.host.now();
    let tokens = 0;

    return withWeights(state, weights, async ({ lm, fingerprint }) => {
      const toResponse = ({ promptId, sample, text, tokenCount, finished }: Draft): Response => ({
        id: crypto.randomUUID(),
        promptId,
        sample,
        text,
        tokenCount,
        finishReason: finished ?? 'cancelled',
        modelId: view.id,
        weightsFingerprint: fingerprint,
        seed: config.seed,
        temperature: config.temperature,
        topK: config.topK,
        topP: config.topP,
        // A response that was broken off says nothing yet.
        ...(finished === null ? {} : { verdict: suggest(text) }),
        createdAt: state.host.timestamp(),
      });
      const handOver = (finished: Draft[]) => {
        if (finished.length === 0) return;
        const made = finished.map(toResponse);
        responses.push(...made);
        state.emit({ type: 'responsesFinished', jobId: control.jobId, responses: made });
      };
      const report = () => {
        const rate = tokens > 0 ? { tokensPerSecond: (1000 * tokens) / Math.max(1, state.host.now() - startedMs) } : {};
        control.progress({ phase: 'generating', done: responses.length, total: drafts.length, unit: 'responses', ...rate });
      };

      report();
      for await (const position of generateText(lm, tokenizer, drafts, config, control.signal)) {
        const streamed: StreamedText[] = [];
        const finished: Draft[] = [];
        for (const piece of position) {
          const draft = drafts[piece.index] as Draft;
          tokens += piece.tokenCount - draft.tokenCount;
          draft.tokenCount = piece.tokenCount;
          draft.text += piece.text;
          draft.finished = piece.finished;
          if (piece.text !== '') streamed.push({ promptId: draft.promptId, sample: draft.sample, text: piece.text });
          if (piece.finished !== null) finished.push(draft);
        }
        if (streamed.length > 0) state.emit({ type: 'textStreamed', jobId: control.jobId, pieces: streamed });
        handOver(finished);
        report();
        await control.turn();
        if (control.stopRequested) break;
      }
      await backend.assertHealthy();
      const stopped = responses.length < drafts.length;
      handOver(drafts.filter((draft) => draft.finished === null && draft.tokenCount > 0));
      backend.trimPool();
      return { responses, stopped };
    });
  };
