/** A LoRA adapter from the first setting to PEFT's files and back, on WASM. */
import { expect, test } from '@playwright/test';
import { unzipSync } from 'fflate';
import { smallWorld } from './smallWorld.ts';
import { StudioPage } from './studioPage.ts';

test.use({
  launchOptions: {
    ...(process.env.CHROME_PATH ? { executablePath: process.env.CHROME_PATH } : {}),
    args: ['--no-sandbox', '--disable-quic', '--disable-background-networking', '--disable-component-update', '--disable-features=WebGPU'],
  },
});

test('a person measures a step, trains an adapter, turns its strength, exports it for PEFT and brings it back', async ({ page }) => {
  const studio = new StudioPage(page);
  await studio.open();
  await expect(studio.button(/Load the demo model/)).toBeEnabled({ timeout: 60_000 });
  await studio.loadDemoModel();
  await studio.importFile('world.jsonl', smallWorld({ curate: 4, validation: 1, test: 1 }));
  await studio.button('Add 18 prompts').click();
  await studio.goTo('Curate');
  await studio.choose('Prompts', /All harmful/);
  await studio.fill('Responses to each', 1);
  await studio.button('Generate 4 responses').click();
  await expect(page.getByText(/of 4$/).first()).toBeVisible({ timeout: 60_000 });
  await expect(page.getByRole('progressbar')).toHaveCount(0, { timeout: 60_000 });
  for (let i = 0; i < 4; i++) await page.keyboard.press('2');
  await expect(page.getByText('All responses are decided.')).toBeVisible();

  await test.step('choose an adapter and measure a step', async () => {
    await studio.goTo('Train');
    await expect(page.getByRole('radio', { name: 'Full fine-tune' })).toBeChecked();
    await page.getByRole('radio', { name: 'LoRA adapter' }).click();
    await studio.fill('Rank r', 4);
    await page.getByRole('switch', { name: 'All linear layers' }).click();
    await page.getByRole('checkbox', { name: 'up_proj' }).check();
    await studio.fill('Steps', 2);
    await studio.button('All settings').click();
    await studio.fill('Benign rows', 2);
    await studio.fill('Unsafe rows', 2);
    await studio.fill('Learning rate', 0.02);
    await studio.fill('Validation prompts a set', 1);
    await studio.fill('Coherence samples', 8);
    await studio.button('Measure a step').click();
    await expect(page.getByText('Tensors at the peak')).toBeVisible({ timeout: 60_000 });
    await expect(page.getByText(/^about .*evaluations not counted$/)).toBeVisible();
    await studio.checkAccessibility('Train with an adapter and a measured step');
  });

  await test.step('train it', async () => {
    await page.getByRole('textbox', { name: 'Run name' }).fill('small part');
    await studio.button('Start training').click();
    await expect(page.getByText('small part is trained')).toBeVisible({ timeout: 120_000 });
  });

  await test.step('measure half of it', async () => {
    await studio.goTo('Evaluate');
    await studio.choose('Weights', 'Last step');
    const strength = page.getByRole('slider', { name: 'Strength of the adapter' });
    await strength.focus();
    for (let i = 0; i < 10; i++) await strength.press('ArrowLeft');
    await studio.button('Evaluate base and tuned').click();
    await expect(page.getByRole('heading', { name: /small part, last step, strength 0\.50 against the base model/ })).toBeVisible({ timeout: 120_000 });
  });

  let files: Record<string, Uint8Array> = {};
  await test.step('export the adapter, and the model with the adapter in it', async () => {
    await studio.goTo('Export');
    await studio.choose('Weights', 'Last step');
    await expect(page.getByRole('radio', { name: 'Adapter (PEFT)' })).toBeChecked();
    const adapter = await studio.save(() => studio.button('Write, verify and save').click());
    expect(adapter.name).toMatch(/-adapter\.zip$/);
    files = Object.fromEntries(Object.entries(unzipSync(adapter.bytes)).map(([path, bytes]) => [path.split('/').at(-1)!, bytes]));
    const config = JSON.parse(new TextDecoder().decode(files['adapter_config.json'])) as { peft_type: string; r: number; target_modules: string[] };
    expect(config).toMatchObject({ peft_type: 'LORA', r: 4 });
    expect([...config.target_modules].sort()).toEqual(['q_proj', 'up_proj', 'v_proj']);
    await page.getByRole('radio', { name: 'Merged model' }).click();
    const merged = await studio.save(() => studio.button('Write, verify and save').click());
    expect(Object.keys(unzipSync(merged.bytes)).map((path) => path.split('/').at(-1))).toContain('model.safetensors');
    await expect(page.getByText(/largest difference of any logit/)).toBeVisible();
    await studio.checkAccessibility('Export of an adapter');
  });

  await test.step('bring the adapter back', async () => {
    await studio.goTo('Runs');
    const take = async (names: string[]): Promise<void> => {
      const [chooser] = await Promise.all([page.waitForEvent('filechooser'), studio.button('Choose adapter files').click()]);
      await chooser.setFiles(names.map((name) => ({ name, mimeType: 'application/octet-stream', buffer: Buffer.from(files[name]!) })));
    };
    await take(['adapter_model.safetensors']);
    await expect(page.getByText('There is no adapter_config.json', { exact: false })).toBeVisible();
    await take(['adapter_config.json', 'adapter_model.safetensors']);
    await expect(page.getByText('imported', { exact: true })).toBeVisible({ timeout: 30_000 });
    await studio.checkAccessibility('Runs with a brought adapter');
    await studio.goTo('Evaluate');
    await page.getByText('Measure again, or other weights and prompts').click();
    await studio.choose('Run', 'adapter');
    await studio.button('Evaluate base and tuned').click();
    await expect(page.getByRole('heading', { name: /adapter \(imported\) against the base model/ })).toBeVisible({ timeout: 120_000 });
  });
  expect(studio.errors).toEqual([]);
});
