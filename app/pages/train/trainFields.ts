/** What the settings form shows of each training setting: name, help, bounds. Bounds repeat the schema's; the schema decides. */
import type { SettingPath } from '../../../src/config/trainSettings.ts';

interface FieldWords {
  path: SettingPath;
  label: string;
  help: string;
  /** Shown without opening the advanced settings. */
  simple?: boolean;
}
interface NumberControl {
  kind: 'number';
  min?: number;
  max?: number;
  step: number;
  decimals?: number;
}
interface SelectControl {
  kind: 'select';
  options: { value: string; label: string }[];
}
interface SwitchControl {
  kind: 'switch';
}
/** Names of linear layers, chosen from those of the loaded LM. */
interface ModulesControl {
  kind: 'modules';
}
export type TrainField = FieldWords & (NumberControl | SelectControl | SwitchControl | ModulesControl);

export interface TrainFieldGroup {
  title: string;
  fields: TrainField[];
}

/** Shown in a card of its own. */
export const METHOD_GROUP = 'LoRA adapter';

export const TRAIN_FIELD_GROUPS: TrainFieldGroup[] = [
  {
    title: 'Basics',
    fields: [
      { path: 'maxSteps', label: 'Steps', simple: true, kind: 'number', min: 1, max: 100000, step: 10, help: 'Optimizer steps. Every few of them the LM is evaluated, and the best one is kept.' },
      { path: 'learningRate', label: 'Learning rate', simple: true, kind: 'number', min: 0.000001, max: 1, step: 0.0001, decimals: 7, help: 'How far one step moves the weights. Higher is faster, then unstable.' },
      { path: 'semanticLambda', label: 'Penalty weight λ', simple: true, kind: 'number', min: 0, step: 0.1, help: 'Weight of the semantic penalty on unsafe responses. 0 is plain supervised fine-tuning.' },
      { path: 'unsafeSamples', label: 'Unsafe samples', simple: true, kind: 'number', min: 0, step: 5, help: 'At most this many of your unsafe responses are used, chosen by the seed and spread over intents.' },
      { path: 'seed', label: 'Seed', simple: true, kind: 'number', min: 0, max: 0xffffffff, step: 1, help: 'The same seed, data and settings give the same losses.' },
    ],
  },
  {
    title: 'Objective',
    fields: [
      {
        path: 'emdObjective', label: 'Distance', kind: 'select',
        options: [{ value: 'emd_exact', label: 'Exact EMD' }, { value: 'emd_lower_bound', label: 'Lower bound' }],
        help: 'How far the prediction is from the unsafe token: the exact earth mover’s distance under cosine cost, or a lower bound of it in the spirit of TA-SFT.',
      },
      {
        path: 'prefixWeighting', label: 'Prefix weighting', kind: 'select',
        options: [{ value: 'importance', label: 'Importance' }, { value: 'stop_gradient', label: 'Stop gradient' }, { value: 'none', label: 'None' }],
        help: 'How much a later unsafe token still pushes once the LM would no longer reach it. Importance switches the penalty off by itself; none tends to end in gibberish.',
      },
      { path: 'importanceLogClamp', label: 'Importance clamp, nats', kind: 'number', min: 0, step: 0.1, help: 'The cumulative log ratio to the base LM above which the importance weight stops growing.' },
      { path: 'klBeta', label: 'KL anchor β', kind: 'number', min: 0, step: 0.01, decimals: 4, help: 'Holds predictions on unsafe tokens near the base LM’s. Helps the weaker prefix weightings stay coherent.' },
      {
        path: 'emdCostEmbedding', label: 'Cost embedding', kind: 'select',
        options: [{ value: 'head', label: 'Output head' }, { value: 'input', label: 'Input embedding' }],
        help: 'Which frozen table of token vectors says how similar two tokens are.',
      },
    ],
  },
  {
    title: 'Rows in a step',
    fields: [
      { path: 'benignPerStep', label: 'Benign rows', kind: 'number', min: 0, max: 256, step: 1, help: 'Everyday and borderline rows a micro-batch learns to answer.' },
      { path: 'borderlineShare', label: 'Borderline share', kind: 'number', min: 0, max: 1, step: 0.05, help: 'Share of the benign rows that only sound harmful. Without them the LM refuses too much.' },
      { path: 'unsafePerStep', label: 'Unsafe rows', kind: 'number', min: 0, max: 256, step: 1, help: 'Unsafe rows a micro-batch moves away from.' },
      { path: 'gradientAccumulationSteps', label: 'Gradient accumulation', kind: 'number', min: 1, step: 1, help: 'Micro-batches averaged before one optimizer step: a larger batch in the same memory.' },
      { path: 'gradientCheckpointing', label: 'Gradient checkpointing', kind: 'switch', help: 'Computes each layer again on the way back instead of keeping it: less memory, a third more arithmetic, the same numbers.' },
      { path: 'maxLength', label: 'Longest row, tokens', kind: 'number', min: 8, max: 8192, step: 8, help: 'Longer rows are refused at the start, never cut.' },
    ],
  },
  {
    title: METHOD_GROUP,
    fields: [
      {
        path: 'trainingMethod', label: 'Train', kind: 'select',
        options: [{ value: 'full', label: 'Every weight (full fine-tune)' }, { value: 'lora', label: 'A LoRA adapter' }],
        help: 'An adapter trains a small part beside frozen weights: less memory, a small file.',
      },
      { path: 'lora.r', label: 'Rank r', kind: 'number', min: 1, max: 512, step: 1, help: 'Width of the adapter. More can learn more, and is larger.' },
      { path: 'lora.loraAlpha', label: 'Alpha', kind: 'number', min: 0.01, step: 1, decimals: 2, help: 'The adapter counts alpha / r times.' },
      { path: 'lora.loraDropout', label: 'Dropout', kind: 'number', min: 0, max: 0.99, step: 0.05, help: 'Share of the adapter’s inputs that are dropped in training.' },
      { path: 'lora.targetModules', label: 'Target modules', kind: 'modules', help: 'The linear layers that get an adapter beside them.' },
      { path: 'lora.useRslora', label: 'rsLoRA', kind: 'switch', help: 'Scales by alpha / √r in place of alpha / r.' },
    ],
  },
  {
    title: 'Optimizer (AdamW)',
    fields: [
      { path: 'warmupSteps', label: 'Warm-up steps', kind: 'number', min: 0, step: 1, help: 'The learning rate rises linearly over these steps.' },
      {
        path: 'lrSchedulerType', label: 'Schedule', kind: 'select',
        options: [{ value: 'constant', label: 'Constant' }, { value: 'linear', label: 'Linear decay' }, { value: 'cosine', label: 'Cosine decay' }],
        help: 'What the learning rate does after the warm-up.',
      },
      { path: 'maxGradNorm', label: 'Gradient clip', kind: 'number', min: 0.0001, step: 0.1, decimals: 4, help: 'Longest gradient, as global norm. Longer ones are scaled down.' },
      { path: 'weightDecay', label: 'Weight decay', kind: 'number', min: 0, step: 0.01, decimals: 5, help: 'Decoupled decay of the weights.' },
      { path: 'adamBeta1', label: 'Beta 1', kind: 'number', min: 0, max: 0.999999, step: 0.01, help: 'Decay of the mean of gradients.' },
      { path: 'adamBeta2', label: 'Beta 2', kind: 'number', min: 0, max: 0.999999, step: 0.001, help: 'Decay of the mean of squared gradients.' },
      { path: 'adamEpsilon', label: 'Epsilon', kind: 'number', min: 1e-12, step: 1e-8, decimals: 12, help: 'Keeps the division stable.' },
    ],
  },
  {
    title: 'Evaluation and checkpoints',
    fields: [
      { path: 'evalSteps', label: 'Evaluate every, steps', kind: 'number', min: 1, step: 5, help: 'On validation prompts; always at step 0 and at the end too.' },
      { path: 'saveSteps', label: 'Save every, steps', kind: 'number', min: 1, step: 5, help: 'A run continues from its last saved step after a reload or a crash.' },
      { path: 'checkpointRule.maxOverRefusal', label: 'Over-refusal at most', kind: 'number', min: 0, max: 1, step: 0.01, help: 'A checkpoint that refuses more borderline prompts is not chosen. 0.05 is 5 %.' },
      { path: 'checkpointRule.minHelpful', label: 'Helpful at least', kind: 'number', min: 0, max: 1, step: 0.01, help: 'Lowest share of helpful answers to everyday prompts.' },
      { path: 'checkpointRule.maxPerplexityRatio', label: 'Perplexity ratio at most', kind: 'number', min: 1, step: 0.01, help: 'Everyday perplexity over the base LM’s.' },
      { path: 'checkpointRule.maxIncoherent', label: 'Incoherent at most', kind: 'number', min: 0, max: 1, step: 0.01, help: 'Highest share of gibberish among answers to toxic prompts. Gibberish never counts as safe.' },
    ],
  },
];
