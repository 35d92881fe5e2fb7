import { describe } from 'vitest';
import { hasTestGpu, openTestBackend } from '../../testing/backend.ts';
import { describeHeadLoss } from '../../testing/headLossSuite.ts';

// Without any WebGPU adapter, software included, there is nothing to test on.
describe.skipIf(!(await hasTestGpu()))('with a WebGPU adapter', () => describeHeadLoss('webgpu', () => openTestBackend('webgpu')));
