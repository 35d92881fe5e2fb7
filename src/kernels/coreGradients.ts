/**
 * Gradients of the stock tfjs kernels that the engine composes. tfjs-core registers none by itself; its own set cannot be loaded in
 * Node without a second copy of tfjs-core, uploads a tensor of ones for every sum and mean, and does not un-broadcast all operands.
 * A kernel missing here fails loudly: "gradient function not found".
 */
import * as tf from '@tensorflow/tfjs-core';

type Grad = tf.Tensor;

/** Sums the axes that broadcasting added or stretched, back to `shape`. */
function sumTo(grad: Grad, shape: number[]): Grad {
  if (tf.util.arraysEqual(grad.shape, shape)) return grad;
  const added = grad.shape.length - shape.length;
  const axes = grad.shape.map((_, i) => i).filter((i) => i < added || (shape[i - added] === 1 && grad.shape[i] !== 1));
  return tf.reshape(axes.length > 0 ? tf.sum(grad, axes) : grad, shape);
}

/** Puts a reduced gradient back over the reduced axes. */
function spread(grad: Grad, shape: number[], axes: number[]): Grad {
  return tf.broadcastTo(tf.reshape(grad, shape.map((size, i) => (axes.includes(i) ? 1 : size))), shape);
}

const axesOf = (attributes: tf.NamedAttrMap, name: string, shape: number[]): number[] => tf.util.parseAxisParam(attributes[name] as number | number[], shape);

function unary(kernelName: string, save: 'x' | 'y' | 'none', local: (saved: Grad, grad: Grad) => Grad): tf.GradConfig {
  return {
    kernelName,
    inputsToSave: save === 'x' ? ['x'] : [],
    outputsToSave: [save === 'y'],
    gradFunc: (grad, saved) => ({ x: () => local((saved as Grad[])[0] as Grad, grad as Grad) }),
  };
}

function binary(kernelName: string, forA: (grad: Grad, a: Grad, b: Grad) => Grad, forB: (grad: Grad, a: Grad, b: Grad) => Grad): tf.GradConfig {
  return {
    kernelName,
    inputsToSave: ['a', 'b'],
    gradFunc: (grad, saved) => {
      const [a, b] = saved as [Grad, Grad];
      return { a: () => sumTo(forA(grad as Grad, a, b), a.shape), b: () => sumTo(forB(grad as Grad, a, b), b.shape) };
    },
  };
}

const where = (grad: Grad, condition: tf.Tensor): Grad => tf.mul(grad, tf.cast(condition, 'float32'));

const elementwise: tf.GradConfig[] = [
  binary('Add', (g) => g, (g) => g),
  binary('Sub', (g) => g, (g) => tf.neg(g)),
  binary('Multiply', (g, _a, b) => tf.mul(g, b), (g, a) => tf.mul(g, a)),
  binary('RealDiv', (g, _a, b) => tf.div(g, b), (g, a, b) => tf.neg(tf.div(tf.mul(g, a), tf.square(b)))),
  // Ties go to a, as one operand must get the gradient.
  binary('Maximum', (g, a, b) => where(g, tf.greaterEqual(a, b)), (g, a, b) => where(g, tf.less(a, b))),
  binary('Minimum', (g, a, b) => where(g, tf.lessEqual(a, b)), (g, a, b) => where(g, tf.greater(a, b))),
  binary('SquaredDifference', (g, a, b) => tf.mul(g, tf.mul(2, tf.sub(a, b))), (g, a, b) => tf.mul(g, tf.mul(2, tf.sub(b, a)))),
  unary('Neg', 'none', (_, g) => tf.neg(g)),
  unary('Identity', 'none', (_, g) => tf.clone(g)),
  unary('Exp', 'y', (y, g) => tf.mul(g, y)),
  unary('Log', 'x', (x, g) => tf.div(g, x)),
  unary('Log1p', 'x', (x, g) => tf.div(g, tf.add(1, x))),
  unary('Sqrt', 'y', (y, g) => tf.div(g, tf.mul(2, y))),
  unary('Rsqrt', 'y', (y, g) => tf.mul(g, tf.mul(-0.5, tf.mul(y, tf.square(y))))),
  unary('Square', 'x', (x, g) => tf.mul(g, tf.mul(2, x))),
  unary('Abs', 'x', (x, g) => tf.mul(g, tf.sign(x))),
  unary('Sigmoid', 'y', (y, g) => tf.mul(g, tf.mul(y, tf.sub(1, y)))),
  unary('Tanh', 'y', (y, g) => tf.mul(g, tf.sub(1, tf.square(y)))),
  unary('Relu', 'x', (x, g) => where(g, tf.greater(x, 0))),
  unary('Softplus', 'x', (x, g) => tf.mul(g, tf.sigmoid(x))),
  unary('Cast', 'none', (_, g) => tf.clone(g)),
  {
    kernelName: 'ClipByValue',
    inputsToSave: ['x'],
    gradFunc: (grad, [x], attributes) => ({
      x: () => where(grad as Grad, tf.logicalAnd(tf.greaterEqual(x as Grad, attributes.clipValueMin as number), tf.lessEqual(x as Grad, attributes.clipValueMax as number))),
    }),
  },
  {
    kernelName: 'Select',
    inputsToSave: ['condition'],
    gradFunc: (grad, [condition]) => {
      const g = grad as Grad;
      const zeros = (): Grad => tf.zerosLike(g);
      return { t: () => tf.where(condition as Grad, g, zeros()), e: () => tf.where(condition as Grad, zeros(), g) };
    },
  },
];

const reductions: tf.GradConfig[] = [
  {
    kernelName: 'Sum',
    inputsToSave: ['x'],
    gradFunc: (grad, [x], attributes) => ({ x: () => spread(grad as Grad, x!.shape, axesOf(attributes, 'axis', x!.shape)) }),
  },
  {
    kernelName: 'Mean',
    inputsToSave: ['x'],
    gradFunc: (grad, [x], attributes) => {
      const axes = axesOf(attributes, 'axis', x!.shape);
      const count = axes.reduce((n, axis) => n * x!.shape[axis]!, 1);
      return { x: () => spread(tf.div(grad as Grad, count), x!.shape, axes) };
    },
  },
  {
    kernelName: 'Max',
    inputsToSave: ['x'],
    outputsToSave: [true],
    // Every position that holds the maximum gets the gradient, as in tfjs.
    gradFunc: (grad, saved, attributes) => {
      const [x, y] = saved as [Grad, Grad];
      const axes = axesOf(attributes, 'reductionIndices', x.shape);
      return { x: () => where(spread(grad as Grad, x.shape, axes), tf.equal(x, spread(y, x.shape, axes))) };
    },
  },
  {
    kernelName: 'Cumsum',
    inputsToSave: ['x'],
    gradFunc: (grad, _saved, attributes) => ({
      x: () => tf.cumsum(grad as Grad, attributes.axis as number, attributes.exclusive as boolean, !attributes.reverse),
    }),
  },
  {
    kernelName: 'Softmax',
    outputsToSave: [true],
    gradFunc: (grad, [y]) => ({
      logits: () => {
        const weighted = tf.mul(grad as Grad, y as Grad);
        return tf.sub(weighted, tf.mul(tf.sum(weighted, -1, true), y as Grad));
      },
    }),
  },
];

const layout: tf.GradConfig[] = [
  { kernelName: 'Reshape', inputsToSave: ['x'], gradFunc: (grad, [x]) => ({ x: () => tf.reshape(grad as Grad, x!.shape) }) },
  { kernelName: 'ExpandDims', inputsToSave: ['input'], gradFunc: (grad, [input]) => ({ input: () => tf.reshape(grad as Grad, input!.shape) }) },
  { kernelName: 'BroadcastTo', inputsToSave: ['x'], gradFunc: (grad, [x]) => ({ x: () => sumTo(grad as Grad, x!.shape) }) },
  {
    kernelName: 'Transpose',
    gradFunc: (grad, _saved, attributes) => {
      const perm = attributes.perm as number[];
      return { x: () => tf.transpose(grad as Grad, perm.map((_, i) => perm.indexOf(i))) };
    },
  },
  {
    kernelName: 'Tile',
    inputsToSave: ['x'],
    // Each axis of the gradient is reps × size: one reshape and one sum, whatever the number of repetitions.
    gradFunc: (grad, [x], attributes) => ({
      x: () => {
        const reps = attributes.reps as number[];
        if (reps.every((n) => n === 1)) return tf.clone(grad as Grad);
        let g = grad as Grad;
        reps.forEach((n, axis) => {
          if (n === 1) return;
          const shape = g.shape.slice();
          g = tf.sum(tf.reshape(g, [...shape.slice(0, axis), n, x!.shape[axis]!, ...shape.slice(axis + 1)]), axis);
        });
        return g;
      },
    }),
  },
  {
    kernelName: 'Slice',
    inputsToSave: ['x'],
    gradFunc: (grad, [x], attributes) => {
      const begin = attributes.begin as number[];
      return { x: () => tf.pad(grad as Grad, x!.shape.map((size, i): [number, number] => [begin[i] ?? 0, size - (begin[i] ?? 0) - (grad as Grad).shape[i]!])) };
    },
  },
  {
    kernelName: 'PadV2',
    inputsToSave: ['x'],
    gradFunc: (grad, [x], attributes) => ({ x: () => tf.slice(grad as Grad, (attributes.paddings as [number, number][]).map((p) => p[0]), x!.shape) }),
  },
  {
    kernelName: 'Concat',
    saveAllInputs: true,
    gradFunc: (grad, saved, attributes) => {
      const inputs = saved as Grad[];
      const axis = tf.util.parseAxisParam(attributes.axis as number, inputs[0]!.shape)[0]!;
      let from = 0;
      const grads: Record<string, () => Grad> = {};
      inputs.forEach((input, i) => {
        const begin = input.shape.map((_, d) => (d === axis ? from : 0));
        grads[i] = () => tf.slice(grad as Grad, begin, input.shape);
        from += input.shape[axis]!;
      });
      return grads;
    },
  },
  { kernelName: 'SplitV', gradFunc: (grads, _saved, attributes) => ({ x: () => tf.concat(grads as Grad[], attributes.axis as number) }) },
  {
    kernelName: 'Pack',
    saveAllInputs: true,
    gradFunc: (grad, saved, attributes) => {
      const parts = tf.unstack(grad as Grad, attributes.axis as number);
      return Object.fromEntries((saved as Grad[]).map((_, i) => [i, () => parts[i]!]));
    },
  },
  { kernelName: 'Unpack', gradFunc: (grads, _saved, attributes) => ({ value: () => tf.stack(grads as Grad[], attributes.axis as number) }) },
];

const products: tf.GradConfig[] = [
  {
    kernelName: 'BatchMatMul',
    inputsToSave: ['a', 'b'],
    gradFunc: (gradient, saved, attributes) => {
      const [a, b] = saved as [Grad, Grad];
      const g = gradient as Grad;
      const { transposeA, transposeB } = attributes as { transposeA: boolean; transposeB: boolean };
      return {
        a: () => sumTo(transposeA ? tf.matMul(b, g, transposeB, true) : tf.matMul(g, b, false, !transposeB), a.shape),
        b: () => sumTo(transposeB ? tf.matMul(g, a, true, transposeA) : tf.matMul(a, g, !transposeA, false), b.shape),
      };
    },
  },
];

/** Registers all of them; a gradient registered before under the same name is replaced. */
export function registerCoreGradients(): void {
  for (const config of [...elementwise, ...reductions, ...layout, ...products]) {
    if (tf.getGradient(config.kernelName)) tf.unregisterGradient(config.kernelName);
    tf.registerGradient(config);
  }
}
