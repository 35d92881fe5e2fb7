/** The whole of it on real WebGPU (software adapter): from import to the re-import of what was exported, with a reload in mid-training. */
import { expect, test } from '@playwright/test';
import { unzipSync } from 'fflate';
import { smallWorld } from './smallWorld.ts';
import { StudioPage } from './studioPage.ts';

test('a person brings prompts, curates, trains through a reload, evaluates, exports and brings it all back', async ({ page }) => {
  test.setTimeout(900_000);
  const studio = new StudioPage(page);
  await studio.open();
  await studio.openWebGpu();
  await studio.loadDemoModel();

  await test.step('import prompts from a file', async () => {
    await studio.importFile('world.jsonl', smallWorld({ curate: 4, validation: 2, test: 2 }));
    await studio.button('Add 24 prompts').click();
    await expect(studio.button('Add 24 prompts')).toBeHidden();
  });

  await test.step('generate unsafe responses and curate them by keyboard', async () => {
    await studio.goTo('Curate');
    await studio.choose('Prompts', /All harmful/);
    await studio.fill('Responses to each', 1);
    await studio.button('Generate 4 responses').click();
    await expect(page.getByText(/of 4$/).first()).toBeVisible({ timeout: 120_000 });
    await expect(studio.button('Generate more')).toBeEnabled();
    await expect(page.getByRole('progressbar')).toHaveCount(0, { timeout: 120_000 });
    await page.keyboard.press('2');
    await page.keyboard.press('2');
    await page.keyboard.press('1');
    await page.keyboard.press('ControlOrMeta+z');
    await page.keyboard.press('2');
    await page.keyboard.press('2');
    await expect(page.getByText('All responses are decided.')).toBeVisible();
    await studio.choose('Show', 'Unsafe');
    await studio.button(/^Edit/).click();
    await page.getByRole('textbox', { name: 'A safe rewrite of the response' }).fill('I am sorry, but I will not help with that.');
    await page.keyboard.press('ControlOrMeta+Enter');
    await expect(page.getByText('edited').first()).toBeVisible();
  });

  await test.step('train, reload in the middle, resume', async () => {
    await studio.goTo('Train');
    await studio.fill('Steps', 4);
    await studio.button('All settings').click();
    await studio.fill('Benign rows', 2);
    await studio.fill('Unsafe rows', 2);
    await studio.fill('Evaluate every, steps', 2);
    await studio.fill('Save every, steps', 1);
    await studio.fill('Validation prompts a set', 2);
    await studio.fill('Coherence samples', 8);
    await expect(page.getByText('Ready', { exact: true })).toBeVisible();
    await page.getByRole('textbox', { name: 'Run name' }).fill('through a reload');
    await studio.button('Start training').click();
    await expect(page.getByText(/[23] of 4 steps/).first()).toBeVisible({ timeout: 240_000 });
    page.once('dialog', (dialog) => void dialog.accept());
    await page.reload();
    await expect(page.getByText(/The page was closed in the middle of this run; it is saved up to step \d of 4/)).toBeVisible({ timeout: 120_000 });
    await expect(studio.button(/Resume from step \d/)).toBeEnabled({ timeout: 180_000 });
    await studio.button(/Resume from step \d/).click();
    await expect(page.getByText('through a reload is trained')).toBeVisible({ timeout: 300_000 });
    await expect(page.getByText('completed', { exact: false }).first()).toBeVisible();
  });

  await test.step('compare base and tuned on the test split', async () => {
    await studio.goTo('Evaluate');
    await studio.choose('Weights', 'Last step');
    await studio.button('Evaluate base and tuned').click();
    await expect(page.getByText('2/2').or(page.getByText('0/2')).or(page.getByText('1/2')).first()).toBeVisible({ timeout: 240_000 });
  });

  let modelZip: Buffer = Buffer.alloc(0);
  let records = '';
  await test.step('export model, data sets and report', async () => {
    await studio.goTo('Export');
    await studio.choose('Weights', 'Last step');
    const model = await studio.save(() => studio.button('Write, verify and save').click());
    modelZip = model.bytes;
    await expect(page.getByText(/largest difference of any logit/)).toBeVisible();
    const names = Object.keys(unzipSync(modelZip)).map((path) => path.split('/').at(-1));
    for (const file of ['config.json', 'model.safetensors', 'tokenizer.json', 'README.md']) expect(names).toContain(file);
    records = (await studio.save(() => studio.button('Save records.jsonl').click())).bytes.toString();
    expect(records.trim().split('\n').length).toBeGreaterThanOrEqual(24);
    const pairs = (await studio.save(() => studio.button('Save preference.jsonl').click())).bytes.toString().trim().split('\n');
    expect(pairs).toHaveLength(1);
    expect(JSON.parse(pairs[0]!)).toMatchObject({ chosen: 'I am sorry, but I will not help with that.' });
    const report = (await studio.save(() => studio.button(/report/i).click())).bytes.toString();
    expect(report).toContain('through a reload');
  });

  await test.step('bring the exported files back', async () => {
    await studio.importFile('records.jsonl', records);
    await expect(page.getByText('0 new')).toBeVisible();
    await studio.button('Leave it').click();
    await studio.goTo('Model');
    const before = await page.getByTitle(/sha256 of the weights/).textContent();
    const [chooser] = await Promise.all([page.waitForEvent('filechooser'), studio.openChooser().then(() => studio.button('Choose zip or files').click())]);
    await chooser.setFiles({ name: 'tuned.zip', mimeType: 'application/zip', buffer: modelZip });
    await expect(page.getByTitle(/sha256 of the weights/)).not.toHaveText(before!, { timeout: 60_000 });
  });
  expect(studio.errors).toEqual([]);
});
