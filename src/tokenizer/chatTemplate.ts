/**
 * The text that surrounds a prompt: the model's own Jinja chat template, one that the person wrote, or a plain instruction layout.
 * Not for turning text into ids.
 */
import { EngineError } from '../base/errors.ts';
import { DEFAULT_INSTRUCTION_TEMPLATE } from './instructionTemplate.ts';
import { parseJinja } from './jinja.ts';

/** A template and where it is from. */
export interface ChatTemplateSource {
  /** Jinja. */
  source: string;
  /** `instruction`: the model has none, so it is the plain layout. */
  origin: 'model' | 'instruction' | 'edited';
}

export interface TemplateTokens {
  bosToken: string | null;
  eosToken: string | null;
  padToken: string | null;
  unkToken: string | null;
}

export interface ChatTemplate extends ChatTemplateSource {
  /** One user turn, up to where the response starts. @throws EngineError unsupported if the template refuses it */
  render(prompt: string): string;
  /** One user turn and its response, complete. @throws EngineError unsupported if the template refuses it */
  renderTurn(prompt: string, response: string): string;
  /** What the template writes before a response that `render` did not write already (Mistral: a space), and after it; '' if it cannot tell. */
  aroundResponse(prompt: string): { before: string; after: string };
}

interface Message {
  role: 'user' | 'assistant';
  content: string;
}

/** tokenizer_config.json holds one template, a list of named ones, or a map; the default one is meant for chat. */
export function chooseTemplate(value: unknown): string | null {
  if (typeof value === 'string') return value.trim() === '' ? null : value;
  if (Array.isArray(value)) {
    const named = value.filter((entry): entry is { name: string; template: string } => typeof entry?.template === 'string');
    return (named.find((entry) => entry.name === 'default') ?? named[0])?.template ?? null;
  }
  if (typeof value === 'object' && value !== null && 'default' in value && typeof value.default === 'string') return value.default;
  return null;
}

/** Text that stands for a prompt and a response when a template is tried. */
const MARKER = 'xProbeTextx';

/**
 * What every template gets. Templates of models that can think aloud (Qwen3) are asked not to: a response is the answer itself, and rows
 * to train on hold no thoughts. What a template does without a system message, its own default included, is left to it.
 */
const SWITCHES = { enable_thinking: false, tools: null, documents: null };

/**
 * @throws EngineError unsupported if the template cannot be parsed (naming the line), does not render a user's turn, or leaves it out
 */
export function openChatTemplate(template: ChatTemplateSource, tokens: TemplateTokens): ChatTemplate {
  const jinja = parseJinja(template.source);
  const render = (messages: Message[], addGenerationPrompt: boolean): string =>
    jinja.render({
      messages,
      add_generation_prompt: addGenerationPrompt,
      bos_token: tokens.bosToken ?? '',
      eos_token: tokens.eosToken ?? '',
      pad_token: tokens.padToken ?? '',
      unk_token: tokens.unkToken ?? '',
      ...SWITCHES,
    });
  if (!render([{ role: 'user', content: MARKER }], true).includes(MARKER))
    throw new EngineError('unsupported', "chat template: leaves the prompt out. Write {{ message['content'] }} where it belongs, in a loop over messages.");
  const renderTurn = (prompt: string, response: string): string => render([{ role: 'user', content: prompt }, { role: 'assistant', content: response }], false);
  return {
    ...template,
    renderTurn,
    render: (prompt) => render([{ role: 'user', content: prompt }], true),
    aroundResponse: (prompt) => {
      let whole: string;
      try {
        whole = renderTurn(prompt, MARKER);
      } catch (error) {
        // Some templates write a single turn only: they cannot tell.
        if (error instanceof EngineError) return { before: '', after: '' };
        throw error;
      }
      const at = whole.lastIndexOf(MARKER);
      if (at < 0) return { before: '', after: '' };
      const begun = render([{ role: 'user', content: prompt }], true);
      return { before: whole.startsWith(begun) ? whole.slice(begun.length, at) : '', after: whole.slice(at + MARKER.length) };
    },
  };
}

/** The template of a model's own files, or the plain layout. @param value in any of the forms that tokenizer_config.json allows, or nothing */
export function ownTemplate(value: unknown): ChatTemplateSource {
  const source = chooseTemplate(value);
  return source === null ? { source: DEFAULT_INSTRUCTION_TEMPLATE, origin: 'instruction' } : { source, origin: 'model' };
}
