/** What is trained: every weight or an adapter, with the adapter's settings and whether it fits this device. */
import { useMemo, type ReactNode } from 'react';
import { Card } from '../../components/Card.tsx';
import { ChoiceField } from '../../components/ChoiceField.tsx';
import { FitView } from '../../components/FitView.tsx';
import { NumberField } from '../../components/NumberField.tsx';
import { SwitchField } from '../../components/SwitchField.tsx';
import { deviceLimitsOf, estimateFit } from '../../../src/config/fit.ts';
import type { LoraConfig } from '../../../src/config/lora.ts';
import { trainConfigSchema, type TrainConfig } from '../../../src/config/train.ts';
import type { EngineView, ModelView } from '../../../src/protocol/views.ts';
import { studio } from '../../store/studio.ts';
import { suggestMethod, withMethod } from '../../store/trainingMethod.ts';
import { TargetModules } from './TargetModules.tsx';
import { METHOD_GROUP, TRAIN_FIELD_GROUPS } from './trainFields.ts';
import styles from './train.module.css';

const NUMBERS = TRAIN_FIELD_GROUPS.flatMap((group) => (group.title === METHOD_GROUP ? group.fields.flatMap((field) => (field.kind === 'number' ? [field] : [])) : []));

export interface MethodCardProps {
  config: TrainConfig;
  model: ModelView | null;
  engine: EngineView | null;
}

export function MethodCard({ config, model, engine }: MethodCardProps): ReactNode {
  const { trainingMethod, lora } = config;
  const fit = useMemo(() => {
    // Half-typed settings have no estimate.
    if (!model || !engine || !trainConfigSchema.safeParse(config).success) return null;
    return estimateFit({ config: model.config, storage: model.storage, limits: deviceLimitsOf(engine), training: config, method: config.trainingMethod });
  }, [config, model, engine]);
  const suggestion = model ? suggestMethod(model) : null;
  const edit = (patch: Partial<LoraConfig>): void => studio.edit('train', { config: { ...config, lora: { ...lora, ...patch } } });
  return (
    <Card title="What is trained" hint={suggestion && suggestion.method === trainingMethod ? suggestion.reason : undefined}>
      <ChoiceField
        label="Method"
        value={trainingMethod}
        onChange={(next) => studio.edit('train', { config: withMethod(config, next) })}
        options={[
          { value: 'full', label: 'Full fine-tune', hint: 'Every weight moves. For small models; the result is a whole model.' },
          { value: 'lora', label: 'LoRA adapter', hint: 'A small part beside frozen weights: less memory, a small file, a strength that can be turned.' },
        ]}
      />
      {trainingMethod === 'lora' && (
        <>
          <div className={styles.fields}>
            {NUMBERS.map((field) => {
              const key = field.path.slice('lora.'.length) as 'r' | 'loraAlpha' | 'loraDropout';
              return <NumberField key={field.path} label={field.label} hint={field.help} value={lora[key]} min={field.min} max={field.max} step={field.step} decimals={field.decimals} onChange={(next) => edit({ [key]: next })} />;
            })}
            <SwitchField label="rsLoRA" hint="Scales by alpha / √r in place of alpha / r." checked={lora.useRslora} onChange={(useRslora) => edit({ useRslora })} />
          </div>
          <TargetModules value={lora.targetModules} available={model?.loraTargets ?? []} onChange={(targetModules) => edit({ targetModules })} />
        </>
      )}
      {fit && (
        <section className={styles.estimate} aria-label="Whether it fits this device">
          <FitView fit={fit} method={trainingMethod === 'lora' ? 'an adapter with these settings' : 'every weight with these settings'} />
        </section>
      )}
    </Card>
  );
}
