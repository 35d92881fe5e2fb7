import { openTestBackend } from '../../testing/backend.ts';
import { describePrefixWeights } from '../../testing/trainingSuite.ts';

describePrefixWeights('wasm', () => openTestBackend('wasm'));
