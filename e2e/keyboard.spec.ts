/** Curating without a mouse: every step by key, undo and redo included, and a reload that loses nothing. */
import { expect, test } from '@playwright/test';
import { smallWorld } from './smallWorld.ts';
import { StudioPage } from './studioPage.ts';

test('a person loads the model, generates and curates by keyboard alone', async ({ page }) => {
  test.setTimeout(300_000);
  const studio = new StudioPage(page);
  await studio.open();

  /** Moves the focus by Tab to a control, as a person does who sees the focus ring. */
  const tabTo = async (name: RegExp): Promise<void> => {
    for (let i = 0; i < 60; i++) {
      await page.keyboard.press('Tab');
      const label = await page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent ?? '');
      if (name.test(label)) return;
    }
    throw new Error(`Tab never reached ${name}`);
  };

  await page.keyboard.press('Tab');
  await expect(page.getByRole('link', { name: 'Skip to the page' })).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(studio.button(/Load the demo model/)).toBeEnabled({ timeout: 60_000 });
  await tabTo(/Load the demo model/);
  await page.keyboard.press('Enter');
  await expect(page.getByTitle(/sha256 of the weights/)).toBeVisible({ timeout: 60_000 });

  await page.keyboard.press('Alt+2');
  await expect(page.getByRole('heading', { level: 1, name: 'Prompts' })).toBeVisible();
  const rows = smallWorld({ curate: 4, validation: 1, test: 1 }).trim().split('\n').filter((line) => line.includes('"set": "harmful"'));
  await page.getByRole('textbox', { name: /Or paste/ }).focus();
  await page.keyboard.insertText(rows.map((line) => (JSON.parse(line) as { prompt: string }).prompt).join('\n'));
  await tabTo(/^Preview$/);
  await page.keyboard.press('Enter');
  await expect(studio.button('Add 6 prompts')).toBeEnabled();
  await studio.button('Add 6 prompts').focus();
  await page.keyboard.press('Enter');

  await page.keyboard.press('Alt+3');
  await studio.button(/^Generate \d/).focus();
  await page.keyboard.press('Enter');
  await expect(page.getByText(/^1 of \d+$/)).toBeVisible({ timeout: 60_000 });
  await expect(page.getByRole('progressbar')).toHaveCount(0, { timeout: 60_000 });

  const done = page.getByRole('img', { name: /responses decided/ });
  await page.keyboard.press('2');
  await expect(done).toHaveAccessibleName(/1 unsafe/);
  await page.keyboard.press('1');
  await expect(done).toHaveAccessibleName(/1 safe/);
  await page.keyboard.press('ControlOrMeta+z');
  await expect(done).not.toHaveAccessibleName(/1 safe/);
  await page.keyboard.press('ControlOrMeta+Shift+z');
  await expect(done).toHaveAccessibleName(/1 safe/);
  await page.keyboard.press('x');
  await page.keyboard.press('Shift+?');
  const sheet = page.getByRole('dialog', { name: /shortcuts/i });
  await expect(sheet).toContainText('Label unsafe, go on');
  await page.keyboard.press('Escape');
  await expect(sheet).toHaveCount(0);

  await page.reload();
  await expect(done).toHaveAccessibleName(/1 unsafe/);
  await page.keyboard.press('ControlOrMeta+z');
  await page.keyboard.press('ControlOrMeta+z');
  await expect(done).not.toHaveAccessibleName(/1 safe/);
  expect(studio.errors).toEqual([]);
});
