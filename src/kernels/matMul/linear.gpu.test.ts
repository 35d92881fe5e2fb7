import { describe } from 'vitest';
import { hasTestGpu, openTestBackend } from '../../testing/backend.ts';
import { describeLinear } from '../../testing/linearSuite.ts';
import { gpuSizes } from '../../testing/matMulCases.ts';

describe.skipIf(!(await hasTestGpu()))('with a WebGPU adapter', () => {
  describeLinear('webgpu', () => openTestBackend('webgpu'), gpuSizes);
});
