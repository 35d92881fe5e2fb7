import { openTestBackend } from '../../testing/backend.ts';
import { describeSemanticDistance } from '../../testing/trainingSuite.ts';

describeSemanticDistance('wasm', () => openTestBackend('wasm'));
