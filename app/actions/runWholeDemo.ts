/** The whole way in one go, for the impatient: load, prompts, generate, accept suggestions, train, evaluate. Every step is the same action a person would use. */
import { studio } from '../store/studio.ts';
import { acceptSuggestions } from './curate.ts';
import { evaluateRun } from './evaluateWeights.ts';
import { choosePrompts, generateResponses } from './generateResponses.ts';
import { loadDemoModel } from './loadModel.ts';
import { navigate } from './navigate.ts';
import { addBuiltInPrompts } from './prompts.ts';
import { startTraining } from './trainRun.ts';

/** Stops at the first step that fails or is cancelled; the person has been told by its notice. */
export async function runWholeDemo(): Promise<void> {
  if (!studio.getState().mirror.model && !(await loadDemoModel())) return;
  await addBuiltInPrompts();
  navigate('curate');
  const { choice, firstCount } = studio.getState().drafts.generate;
  if (studio.getState().project.responses.length === 0 && !(await generateResponses(choosePrompts(studio.getState().project, choice, firstCount, [])))) return;
  acceptSuggestions(studio.getState().project.responses);
  navigate('train');
  const run = await startTraining('demo');
  if (!run) return;
  navigate('evaluate');
  await evaluateRun(run.id, 'best', 'test');
}
