import { assertGradient } from '../../testing/arrays.ts';
import { openTestBackend } from '../../testing/backend.ts';
import { describeLinear, describeLinearGradients } from '../../testing/linearSuite.ts';
import { productSizes } from '../../testing/matMulCases.ts';

describeLinearGradients(assertGradient);
describeLinear('wasm', () => openTestBackend('wasm'), productSizes);
