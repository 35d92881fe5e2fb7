/**
 * The text that surrounds a prompt: the model's own Jinja chat template, or a plain instruction layout.
 * Not for turning text into ids.
 */
import { Template } from '@huggingface/jinja';
import { EngineError } from '../base/errors.ts';

export interface TemplateTokens {
  bosToken: string | null;
  eosToken: string | null;
  padToken: string | null;
  unkToken: string | null;
}

export interface ChatTemplate {
  /** One user turn, up to where the response starts. @throws EngineError unsupported if the template refuses it */
  render(prompt: string): string;
  /** What the template writes after a response; '' without a template or if it cannot tell. */
  responseEnd(): string;
  /** False for the plain layout. */
  isFromModel: boolean;
}

interface Message {
  role: 'user' | 'assistant';
  content: string;
}

/** tokenizer_config.json holds one template, a list of named ones, or a map; the default one is meant for chat. */
function chooseTemplate(value: unknown): string | null {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) {
    const named = value.filter((entry): entry is { name: string; template: string } => typeof entry?.template === 'string');
    return (named.find((entry) => entry.name === 'default') ?? named[0])?.template ?? null;
  }
  if (typeof value === 'object' && value !== null && 'default' in value && typeof value.default === 'string') return value.default;
  return null;
}

/** For base models: the layout of the instruction data sets that followed Alpaca. */
function plainLayout(tokens: TemplateTokens): ChatTemplate {
  return {
    render: (prompt) => `${tokens.bosToken ?? ''}### Instruction:\n${prompt}\n\n### Response:\n`,
    responseEnd: () => '',
    isFromModel: false,
  };
}

/**
 * @param source a Jinja template in any of the forms that tokenizer_config.json allows, or nothing
 * @throws EngineError unsupported if the template cannot be parsed
 */
export function openChatTemplate(source: unknown, tokens: TemplateTokens): ChatTemplate {
  const text = chooseTemplate(source);
  if (text === null) return plainLayout(tokens);
  const failure = (error: unknown) =>
    new EngineError('unsupported', `chat template: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  let template: Template;
  try {
    template = new Template(text);
  } catch (error) {
    throw failure(error);
  }
  const render = (messages: Message[], addGenerationPrompt: boolean): string => {
    try {
      return template.render({
        messages,
        add_generation_prompt: addGenerationPrompt,
        bos_token: tokens.bosToken ?? '',
        eos_token: tokens.eosToken ?? '',
        pad_token: tokens.padToken ?? '',
        unk_token: tokens.unkToken ?? '',
      });
    } catch (error) {
      throw failure(error);
    }
  };
  return {
    render: (prompt) => render([{ role: 'user', content: prompt }], true),
    responseEnd: () => {
      const marker = 'responseTextGoesHere';
      const whole = render([{ role: 'user', content: 'x' }, { role: 'assistant', content: marker }], false);
      const at = whole.lastIndexOf(marker);
      return at < 0 ? '' : whole.slice(at + marker.length);
    },
    isFromModel: true,
  };
}
