import { openTestBackend } from '../testing/backend.ts';
import { describeSlices } from '../testing/sliceSuite.ts';

describeSlices('wasm', () => openTestBackend('wasm'));
