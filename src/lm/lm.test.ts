import { openTestBackend } from '../testing/backend.ts';
import { describeLm } from '../testing/lmSuite.ts';

describeLm('WASM', () => openTestBackend('wasm'));
