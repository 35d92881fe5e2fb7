import { describe } from 'vitest';
import { hasTestGpu, openTestBackend } from '../testing/backend.ts';
import { describeMeasuredStep } from '../testing/measureStepSuite.ts';

// Without any WebGPU adapter, software included, there is nothing to test on.
describe.skipIf(!(await hasTestGpu()))('with a WebGPU adapter', () => {
  describeMeasuredStep('WebGPU', () => openTestBackend('webgpu'));
});
