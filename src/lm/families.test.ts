import { openTestBackend } from '../testing/backend.ts';
import { describeFamilies } from '../testing/familySuite.ts';

describeFamilies('WASM', () => openTestBackend('wasm'));
