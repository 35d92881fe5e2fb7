import { describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../../src/base/errors.ts';
import { adviceFor } from './choiceAdvice.ts';

const hub = { kind: 'hub', id: 'owner/name', revision: 'main' } as const;
const advise = (code: ErrorCode, online = true) => adviceFor({ code, message: 'what the engine said' }, hub, online, 'https://huggingface.co');

describe('advice on a model that could not be had', () => {
  it('asks for a token where one can help, and nowhere else', () => {
    expect([advise('access').wantsToken, advise('not-found').wantsToken, advise('network').wantsToken, advise('storage').wantsToken]).toEqual([true, true, false, false]);
    expect(advise('access').steps.map(({ href }) => href)).toEqual(['https://huggingface.co/owner/name', 'https://huggingface.co/settings/tokens']);
    expect(adviceFor({ code: 'not-found', message: '' }, { kind: 'url', name: 'x', baseUrl: 'https://example.org/x/' }, true, '').wantsToken).toBe(false);
  });

  it('tells being offline from a server that fails', () => {
    expect(advise('network', false).title).toContain('offline');
    expect(advise('network').title).toContain('owner/name');
  });

  it('leads to the downloads when there is no room', () => {
    expect(advise('storage').steps[0]?.href).toBe('#/model/downloads');
  });

  it('does not offer to try again what cannot change', () => {
    expect([advise('unsupported').retry, advise('internal').retry, advise('network').retry]).toEqual([false, true, true]);
  });
});
