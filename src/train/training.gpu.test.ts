import { describe } from 'vitest';
import { hasTestGpu, openTestBackend } from '../testing/backend.ts';
import { describeTraining } from '../testing/trainingSuite.ts';

// Without any WebGPU adapter, software included, there is nothing to test on.
describe.skipIf(!(await hasTestGpu()))('with a WebGPU adapter', () => describeTraining('webgpu', () => openTestBackend('webgpu')));
