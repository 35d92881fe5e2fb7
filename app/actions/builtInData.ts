/** The data that ships with the studio, fetched from its own folder once and kept. */
import { EngineError } from '../../src/base/errors.ts';
import { parseBuiltIn, parseJudgeLexicon } from '../../src/records/builtInPrompts.ts';
import type { JudgeLexicon } from '../../src/records/judgeLexicon.ts';
import type { Prompt } from '../../src/records/prompt.ts';

const FILES = ['harmful', 'borderline', 'everyday'].flatMap((set) => ['curate', 'validation', 'test'].map((split) => `${set}.${split}.jsonl`));

let prompts: Promise<Prompt[]> | null = null;
let lexicon: Promise<JudgeLexicon> | null = null;

/** All built-in prompts, all sets and splits. @throws EngineError network | bad-file */
export function fetchBuiltInPrompts(): Promise<Prompt[]> {
  prompts ??= Promise.all(FILES.map(async (file) => parseBuiltIn(await fetchText(file), file)))
    .then((lists) => lists.flat())
    .catch((thrown) => {
      prompts = null;
      throw thrown;
    });
  return prompts;
}

/** What the text judge knows of the built-in world. @throws EngineError network | bad-file */
export function fetchJudgeLexicon(): Promise<JudgeLexicon> {
  lexicon ??= fetchText('judge.json')
    .then((text) => parseJudgeLexicon(text))
    .catch((thrown) => {
      lexicon = null;
      throw thrown;
    });
  return lexicon;
}

async function fetchText(file: string): Promise<string> {
  const url = new URL(`data/${file}`, document.baseURI);
  let response: globalThis.Response;
  try {
    response = await fetch(url);
  } catch (thrown) {
    throw new EngineError('network', `${url.pathname} could not be fetched. Check that the server that gave you this page is still running.`, { cause: thrown });
  }
  if (!response.ok) throw new EngineError('network', `${url.pathname}: the server answered ${response.status}.`);
  return response.text();
}
