import { describe } from 'vitest';
import { hasTestGpu, openTestBackend } from '../testing/backend.ts';
import { describeSlices } from '../testing/sliceSuite.ts';

describe.skipIf(!(await hasTestGpu()))('with a WebGPU adapter', () => {
  describeSlices('webgpu', () => openTestBackend('webgpu'));
});
