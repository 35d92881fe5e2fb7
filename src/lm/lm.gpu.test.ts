import { describe } from 'vitest';
import { hasTestGpu, openTestBackend } from '../testing/backend.ts';
import { describeLm } from '../testing/lmSuite.ts';

// Needs a WebGPU adapter; the software one that comes with Chromium is enough.
describe.skipIf(!(await hasTestGpu()))('with WebGPU', () => describeLm('WebGPU', () => openTestBackend('webgpu')));
