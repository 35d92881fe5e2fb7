/**
 * Gives the loaded LM another chat template: what surrounds every prompt from now on, in generation, evaluation and new runs. The weights
 * stay as they are; runs that are stored keep the template they were encoded with. Not kept across a reload: the model's files are as they were.
 */
import type { ModelView } from '../../protocol/views.ts';
import type { ChatTemplateSource } from '../../tokenizer/chatTemplate.ts';
import { createTokenizer, type Tokenizer } from '../../tokenizer/tokenizer.ts';
import { type EngineState, requireModel } from '../engineState.ts';
import type { JobBody } from '../jobRunner.ts';

const PREVIEW_PROMPT = 'How do I boil an egg?';

/** The template in use and what it makes of a prompt. */
export const templateViewOf = (tokenizer: Tokenizer): ModelView['chatTemplate'] => ({ ...tokenizer.chatTemplate, preview: tokenizer.renderPrompt(PREVIEW_PROMPT) });

/**
 * @param template null: the model's own, or the plain instruction layout where it has none
 * @returns the changed view, which `modelLoaded` has told
 * @throws EngineError unsupported naming the line, or what the template lacks; nothing is changed then
 */
export function setChatTemplate(state: EngineState, template: ChatTemplateSource | null): ModelView {
  const model = requireModel(state);
  const { config } = model.view;
  const tokenizer = createTokenizer({ ...model.folder, ...(template ? { chatTemplate: template } : {}), eosTokenIds: config.eosTokenIds, lmVocabSize: config.vocabSize });
  if (tokenizer.chatTemplate.source === model.tokenizer.chatTemplate.source) return model.view;
  state.model = {
    ...model,
    tokenizer,
    view: { ...model.view, hasChatTemplate: tokenizer.hasChatTemplate, chatTemplate: templateViewOf(tokenizer) },
    // Measured on prompts in the old template.
    coherence: new Map(),
  };
  state.emit({ type: 'modelLoaded', model: state.model.view });
  return state.model.view;
}

export const setChatTemplateJob =
  (state: EngineState): JobBody<'setChatTemplate'> =>
  async ({ source }) =>
    setChatTemplate(state, source === null ? null : { source, origin: 'edited' });
