import { openTestBackend } from '../testing/backend.ts';
import { describeTraining } from '../testing/trainingSuite.ts';

describeTraining('wasm', () => openTestBackend('wasm'));
