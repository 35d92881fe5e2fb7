import { describe } from 'vitest';
import { openTestBackend, testBackends } from '../../testing/backend.ts';
import { describePackedHeadLoss } from '../../testing/packedHeadLossSuite.ts';

for (const name of await testBackends()) describe(`with ${name}`, () => describePackedHeadLoss(name, () => openTestBackend(name)));
