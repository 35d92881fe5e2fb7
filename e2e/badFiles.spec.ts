/** Files that are not what they should be: a clear message with file, row and column, and nothing lost. */
import { expect, test } from '@playwright/test';
import { StudioPage } from './studioPage.ts';

test('bad rows are listed with their place and stop no good one', async ({ page }) => {
  const studio = new StudioPage(page);
  await studio.open();
  await studio.importFile('rows.jsonl', '{"prompt":"A good prompt."}\n{"prompt": 7}\n{broken\n{"prompt":"A good prompt."}\n');
  await expect(page.getByText('1 new')).toBeVisible();
  await expect(page.getByText('1 duplicate')).toBeVisible();
  await expect(page.getByText('2 errors')).toBeVisible();
  const table = page.getByRole('table');
  await expect(table.getByRole('row').nth(1)).toContainText('2');
  await expect(table.getByRole('row').nth(2)).toContainText('3');
  await studio.button('Add 1 prompt').click();
  await expect(page.getByText('A good prompt.')).toBeVisible();

  await studio.importFile('noise.csv', '\u0000\u0001\u0002');
  await expect(studio.button(/^Add/).last()).toBeDisabled();
  await studio.button('Leave it').click();
  await expect(page.getByText('A good prompt.')).toBeVisible();
  expect(studio.errors).toEqual([]);
});

test('a column is asked for where it cannot be told', async ({ page }) => {
  const studio = new StudioPage(page);
  await studio.open();
  await studio.importFile('table.csv', 'alpha,beta\nthe first column of one,the second column of one\nthe first column of two,the second column of two\n');
  await expect(studio.button(/^Add/).last()).toBeDisabled();
  await studio.choose('Column with the prompts', 'beta');
  await expect(page.getByText('2 new')).toBeVisible();
  await studio.button('Add 2 prompts').click();
  await expect(page.getByText('the second column of two')).toBeVisible();
});

test('a broken model is refused by name, and the loaded one stays', async ({ page }) => {
  const studio = new StudioPage(page);
  await studio.open();
  await expect(studio.button(/Load the demo model/)).toBeEnabled({ timeout: 60_000 });
  await studio.loadDemoModel();
  const fingerprint = await page.getByTitle(/sha256 of the weights/).textContent();
  const [chooser] = await Promise.all([page.waitForEvent('filechooser'), studio.openChooser().then(() => studio.button('Choose zip or files').click())]);
  await chooser.setFiles([
    { name: 'config.json', mimeType: 'application/json', buffer: Buffer.from('{"model_type":"mamba"}') },
    { name: 'model.safetensors', mimeType: 'application/octet-stream', buffer: Buffer.from('not weights') },
  ]);
  await expect(page.getByText(/mamba|tokenizer\.json/).first()).toBeVisible({ timeout: 30_000 });
  await expect(page.getByTitle(/sha256 of the weights/)).toHaveText(fingerprint!);
  expect(studio.errors).toEqual([]);
});
