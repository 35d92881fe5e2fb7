/** The GPU goes away in mid-training: the studio says so plainly, loses nothing, and goes on with the run. */
import { expect, test } from '@playwright/test';
import { smallWorld } from './smallWorld.ts';
import { StudioPage } from './studioPage.ts';

test('a destroyed GPU device ends in a clear message and a run that can be resumed', async ({ page }) => {
  test.setTimeout(600_000);
  const studio = new StudioPage(page);
  await studio.open();
  await expect(studio.button('Reopen engine')).toBeEnabled({ timeout: 60_000 });
  // Keeps the device where the test can reach it; the engine itself is untouched.
  await page.workers()[0]!.evaluate(() => {
    const adapter = (globalThis as unknown as { GPUAdapter: { prototype: { requestDevice: (...args: unknown[]) => Promise<unknown> } } }).GPUAdapter.prototype;
    const original = adapter.requestDevice;
    adapter.requestDevice = async function (this: unknown, ...args: unknown[]) {
      const device = await original.apply(this, args);
      (globalThis as unknown as { lastDevice: unknown }).lastDevice = device;
      return device;
    };
  });
  await studio.openWebGpu();
  await studio.loadDemoModel();
  await studio.importFile('world.jsonl', smallWorld({ curate: 4, validation: 1, test: 1 }));
  await studio.button('Add 18 prompts').click();
  await studio.goTo('Curate');
  await studio.choose('Prompts', /All harmful/);
  await studio.fill('Responses to each', 1);
  await studio.button('Generate 4 responses').click();
  await expect(page.getByText(/of 4$/).first()).toBeVisible({ timeout: 120_000 });
  await expect(page.getByRole('progressbar')).toHaveCount(0, { timeout: 120_000 });
  for (let i = 0; i < 4; i++) await page.keyboard.press('2');
  await expect(page.getByText('All responses are decided.')).toBeVisible();

  await studio.goTo('Train');
  await studio.fill('Steps', 6);
  await studio.button('All settings').click();
  await studio.fill('Benign rows', 2);
  await studio.fill('Unsafe rows', 2);
  await studio.fill('Save every, steps', 1);
  await studio.fill('Validation prompts a set', 1);
  await studio.fill('Coherence samples', 8);
  await studio.button('Start training').click();
  await expect(page.getByText(/[2-4] of 6 steps/).first()).toBeVisible({ timeout: 240_000 });
  await page.workers()[0]!.evaluate(() => (globalThis as unknown as { lastDevice: { destroy(): void } }).lastDevice.destroy());

  await expect(page.getByText('This run stopped with an error')).toBeVisible({ timeout: 60_000 });
  await expect(page.getByText(/GPU device/i).first()).toBeVisible();
  const resume = studio.button(/Resume from step [1-5]/);
  await expect(resume).toBeEnabled({ timeout: 180_000 });
  await resume.click();
  await expect(page.getByText(/is trained/)).toBeVisible({ timeout: 300_000 });
  await expect(page.getByText('6 of 6', { exact: true })).toBeVisible();
  expect(studio.errors).toEqual([]);
});
