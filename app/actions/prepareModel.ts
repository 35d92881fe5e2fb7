/** What the studio does with every model that was just loaded: the person's own chat template, and a training method that suits its size. */
import type { ModelView } from '../../src/protocol/views.ts';
import { suggestMethod, withDefaultsFor } from '../store/trainingMethod.ts';
import { studio } from '../store/studio.ts';
import { reapplyTemplate } from './chatTemplate.ts';

export async function prepareModel(model: ModelView): Promise<void> {
  const { train } = studio.getState().drafts;
  if (train.methodFor !== model.id) {
    const { method } = suggestMethod(model);
    studio.edit('train', { methodFor: model.id, config: withDefaultsFor(train.config, method) });
  }
  await reapplyTemplate(model);
}
