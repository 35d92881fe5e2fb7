/**
 * Rotary positions as a config.json describes them, and the frequencies that follow. Not for the rotation itself (kernels/rope).
 */

/** How the frequencies of a pretrained model were changed for longer contexts; the words of transformers' `rope_parameters`. */
export type RopeScaling =
  | { type: 'linear'; factor: number }
  | { type: 'llama3'; factor: number; lowFreqFactor: number; highFreqFactor: number; originalMaxPositionEmbeddings: number }
  | {
      type: 'yarn';
      factor: number;
      originalMaxPositionEmbeddings: number;
      betaFast: number;
      betaSlow: number;
      /** null: 0.1 · ln(factor) + 1, as the paper says. */
      attentionFactor: number | null;
      /** Whether the bounds of the ramp are rounded to whole frequencies. */
      truncate: boolean;
    };

export interface RopeConfig {
  theta: number;
  /** Values at the beginning of each head that are rotated: even, ≤ headDim. */
  rotaryDim: number;
  scaling: RopeScaling | null;
}

/** What the tables of sines and cosines are made from (kernels/rope createRopeTables). */
export interface RopeFrequencies {
  /** [rotaryDim / 2] radians a position, in float64. */
  inverse: Float64Array;
  /** Multiplies sines and cosines. */
  attentionFactor: number;
}

/** Llama 3.1: long waves are slowed by `factor`, short ones stay, those between are mixed. */
function llama3(frequency: number, { factor, lowFreqFactor, highFreqFactor, originalMaxPositionEmbeddings }: Extract<RopeScaling, { type: 'llama3' }>): number {
  const turns = (originalMaxPositionEmbeddings * frequency) / (2 * Math.PI);
  if (turns > highFreqFactor) return frequency;
  if (turns < lowFreqFactor) return frequency / factor;
  const smooth = (turns - lowFreqFactor) / (highFreqFactor - lowFreqFactor);
  return ((1 - smooth) * frequency) / factor + smooth * frequency;
}

/** YaRN (Peng et al. 2023): a ramp over the index of the frequency, from those that stay to those that are slowed by `factor`. */
function yarn({ theta, rotaryDim }: RopeConfig, { factor, originalMaxPositionEmbeddings, betaFast, betaSlow, truncate }: Extract<RopeScaling, { type: 'yarn' }>): (frequency: number, i: number) => number {
  const indexOfTurns = (turns: number): number => (rotaryDim * Math.log(originalMaxPositionEmbeddings / (turns * 2 * Math.PI))) / (2 * Math.log(theta));
  const [first, end] = [indexOfTurns(betaFast), indexOfTurns(betaSlow)];
  const low = Math.max(truncate ? Math.floor(first) : first, 0);
  const high = Math.min(truncate ? Math.ceil(end) : end, rotaryDim - 1);
  const width = high === low ? 0.001 : high - low;
  return (frequency, i) => {
    const slowed = Math.min(Math.max((i - low) / width, 0), 1);
    return (frequency / factor) * slowed + frequency * (1 - slowed);
  };
}

/**
 * The frequency of each rotated pair: theta^(−2i / rotaryDim), then scaled.
 * @see the same values as transformers' ROPE_INIT_FUNCTIONS. Differs: in float64 throughout, they are rounded to float32 there
 */
export function inverseFrequencies(rope: RopeConfig): RopeFrequencies {
  const { theta, rotaryDim, scaling } = rope;
  const plain = Float64Array.from({ length: rotaryDim / 2 }, (_, i) => theta ** (-(2 * i) / rotaryDim));
  if (scaling === null) return { inverse: plain, attentionFactor: 1 };
  switch (scaling.type) {
    case 'linear':
      return { inverse: plain.map((frequency) => frequency / scaling.factor), attentionFactor: 1 };
    case 'llama3':
      return { inverse: plain.map((frequency) => llama3(frequency, scaling)), attentionFactor: 1 };
    case 'yarn':
      return { inverse: plain.map(yarn(rope, scaling)), attentionFactor: scaling.attentionFactor ?? (scaling.factor <= 1 ? 1 : 0.1 * Math.log(scaling.factor) + 1) };
  }
}
