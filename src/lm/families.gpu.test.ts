import { describe } from 'vitest';
import { hasTestGpu, openTestBackend } from '../testing/backend.ts';
import { describeFamilies } from '../testing/familySuite.ts';

// Needs a WebGPU adapter; the software one that comes with Chromium is enough.
describe.skipIf(!(await hasTestGpu()))('with WebGPU', () => describeFamilies('WebGPU', () => openTestBackend('webgpu')));
