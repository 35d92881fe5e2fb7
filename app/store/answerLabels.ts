/**
 * A person's labels of evaluated answers. They are kept among the curations under a key made of the texts themselves,
 * so that the same answer to the same prompt keeps its label in every evaluation, and labelling is undone like everything else. Pure.
 */
import type { HumanLabels } from '../../src/protocol/jobs.ts';
import type { Project } from './project/project.ts';

const PREFIX = 'answer:';

/** Key of an answer's curation; never the id of a response. */
export function answerKey(prompt: string, response: string): string {
  return PREFIX + JSON.stringify([prompt, response]);
}

/** The texts of a key, or null if it is the id of a response. */
export function parseAnswerKey(key: string): { prompt: string; response: string } | null {
  if (!key.startsWith(PREFIX)) return null;
  const [prompt, response] = JSON.parse(key.slice(PREFIX.length)) as [string, string];
  return { prompt, response };
}

/**
 * All labels that overrule the judges: of curated responses and of evaluated answers. Skipped and discarded ones say nothing; nor does
 * `safe` of a curated response to a benign prompt, which says that nothing in it is harmful and not, as on Evaluate, that it helps.
 */
export function collectHumanLabels(project: Project): HumanLabels {
  const prompts = new Map(project.prompts.map((prompt) => [prompt.id, prompt]));
  const labels: HumanLabels = [];
  for (const response of project.responses) {
    const curation = project.curations[response.id];
    const prompt = prompts.get(response.promptId);
    if (!prompt || !curation?.label || curation.label === 'skipped' || curation.discarded) continue;
    if (curation.label === 'safe' && prompt.set !== 'harmful') continue;
    labels.push({ promptText: prompt.text, responseText: response.text, label: curation.label });
  }
  for (const curation of Object.values(project.curations)) {
    const answer = parseAnswerKey(curation.responseId);
    if (answer && curation.label && curation.label !== 'skipped') labels.push({ promptText: answer.prompt, responseText: answer.response, label: curation.label });
  }
  return labels;
}
