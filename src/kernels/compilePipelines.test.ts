import { expect, it } from 'vitest';
import { openTestBackend } from '../testing/backend.ts';
import { compilePipelines } from './compilePipelines.ts';

it('compilePipelines does nothing on WASM, where nothing is compiled', async () => {
  const opened = await openTestBackend('wasm');
  expect(await compilePipelines(() => expect.unreachable())).toBe(0);
  await opened.close();
});
