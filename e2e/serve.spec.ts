import { expect, test } from '@playwright/test';

test('the served page is isolated and lets nothing out', async ({ request, page }) => {
  const response = await request.get('./');
  const headers = response.headers();
  expect(headers['cross-origin-opener-policy']).toBe('same-origin');
  expect(headers['cross-origin-embedder-policy']).toBe('require-corp');
  expect(headers['content-security-policy']).toContain("connect-src 'self'");
  expect(headers['content-security-policy']).not.toMatch(/https?:/);
  const started = page.waitForEvent('worker');
  await page.goto('./');
  expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
  // The engine's worker alone may fetch a model that a person chose, from the Hub or elsewhere; the page may not.
  const engine = await request.get((await started).url());
  expect(engine.headers()['content-security-policy']).toMatch(/connect-src 'self' data: blob: https: http:\/\/127\.0\.0\.1:\*/);
  expect(await page.evaluate(() => fetch('https://example.org/').then(() => 'went out', () => 'refused'))).toBe('refused');
});

test('the server gives files of the build only, with their types', async ({ request }) => {
  expect((await request.get('./models/demo/config.json')).headers()['content-type']).toContain('application/json');
  expect((await request.get('./no-such-file.js')).status()).toBe(404);
  expect((await request.get('./..%2fpackage.json')).status()).toBe(404);
  expect((await request.get('./%E0%A4%A')).status()).toBe(404);
  expect((await request.post('./')).status()).toBe(405);
});
