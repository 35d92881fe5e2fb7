import { openTestBackend } from '../../testing/backend.ts';
import { describeHeadLoss } from '../../testing/headLossSuite.ts';

describeHeadLoss('wasm', () => openTestBackend('wasm'));
