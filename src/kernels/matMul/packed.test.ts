import { describe } from 'vitest';
import { openTestBackend } from '../../testing/backend.ts';
import { productSizes } from '../../testing/matMulCases.ts';
import { describePackedProducts } from '../../testing/packedSuite.ts';

// One row against columns in 32s and not, few rows, more rows than columns and fewer, an inner axis that is cut.
describe('alone', () =>
  describePackedProducts('wasm', () => openTestBackend('wasm'), (run) => run('simd', [...productSizes, [1, 104, 33], [1, 37, 130], [6, 21, 600], [70, 29, 600], [40, 300, 530]])));
describe('with helpers', () => describePackedProducts('wasm on three threads', () => openTestBackend('wasm', 3), (run) => run('simd', [[1, 1040, 330], [17, 600, 331], [300, 270, 65]])));
