// Pictures of the real studio: runs the whole demo on WASM in Chromium and photographs every station, then the ways to other models and adapters.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright';
import { register } from 'tsx/esm/api';
import { ensureBuilt } from './buildStudio.mjs';
import { root } from './ensureInstalled.mjs';
import { findOrInstallChrome } from './findChrome.mjs';
import { createStaticServer, listenOnFreePort } from './serveFolder.mjs';

const folder = process.argv[2] ?? join(root, 'docs', 'pictures');
const LOOKS = [['light', 1280], ['dark', 1280], ['light', 390], ['dark', 390]];
mkdirSync(folder, { recursive: true });
ensureBuilt();
const server = createStaticServer(join(root, 'dist'));
const port = await listenOnFreePort(server, 0);
const address = `http://127.0.0.1:${port}/`;
const browser = await chromium.launch({
  executablePath: await findOrInstallChrome(),
  args: ['--no-sandbox', '--disable-quic', '--disable-background-networking', '--disable-component-update'],
});

const newPage = async (look) => {
  const context = await browser.newContext({ viewport: { width: look[1], height: 800 }, colorScheme: look[0] });
  const page = await context.newPage();
  page.on('dialog', (dialog) => void dialog.accept());
  return page;
};
const button = (page, name) => page.getByRole('button', { name });
const goTo = (page, station) => page.getByRole('navigation', { name: 'Stations' }).getByRole('link', { name: new RegExp(`^${station}`) }).click();
const takeOf = async (page, name, look, whole = false) => {
  await page.waitForTimeout(600); // charts draw a frame after their data, dialogs take a moment
  await page.screenshot({ path: join(folder, `${name}-${look[0]}-${look[1]}.png`), fullPage: whole });
};

/** Every station after the whole demo; then an adapter from its settings to its strength. */
async function takeStations() {
  const page = await newPage(LOOKS[0]);
  await page.goto(address);
  await button(page, 'Run the whole demo').click();
  await page.getByText('The whole demo is done').waitFor({ timeout: 900_000 });
  await button(page, "Put the demo's progress away").click();
  const inEveryLook = async (work) => {
    for (const look of LOOKS) {
      await page.emulateMedia({ colorScheme: look[0] });
      await page.setViewportSize({ width: look[1], height: 800 });
      await work(look);
    }
  };
  await inEveryLook(async (look) => {
    for (const station of ['Model', 'Prompts', 'Curate', 'Train', 'Evaluate', 'Runs', 'Export']) {
      await goTo(page, station);
      if (station === 'Curate') await page.getByRole('combobox', { name: 'Show' }).selectOption({ label: 'Unsafe' });
      if (station === 'Train') await page.getByText('Toxic prompts: three outcomes').first().scrollIntoViewIfNeeded();
      await takeOf(page, station.toLowerCase(), look);
    }
  });

  await goTo(page, 'Train');
  await page.getByRole('tab', { name: 'Next run' }).click();
  await page.getByRole('radio', { name: 'LoRA adapter' }).click();
  await page.getByRole('switch', { name: 'All linear layers' }).click();
  const steps = page.getByRole('textbox', { name: 'Steps', exact: true });
  await steps.fill('20');
  await steps.press('Tab');
  await button(page, 'Measure a step').click();
  await page.getByText('Tensors at the peak').waitFor({ timeout: 120_000 });
  await inEveryLook(async (look) => {
    await page.getByText('What is trained').scrollIntoViewIfNeeded();
    await takeOf(page, 'adapter-settings', look, true);
  });
  await page.getByRole('textbox', { name: 'Run name' }).fill('small-part');
  await button(page, 'Start training').click();
  await page.getByText('small-part is trained').waitFor({ timeout: 600_000 });
  await goTo(page, 'Evaluate');
  await page.getByText('Measure again, or other weights and prompts').click();
  await page.getByRole('combobox', { name: 'Run' }).selectOption({ label: 'small-part' });
  await inEveryLook((look) => takeOf(page, 'adapter-strength', look, true));
  await goTo(page, 'Export');
  await page.getByRole('combobox', { name: 'Run' }).first().selectOption({ label: 'small-part' });
  await inEveryLook((look) => takeOf(page, 'adapter-export', look));
  await goTo(page, 'Runs');
  await inEveryLook((look) => takeOf(page, 'adapter-runs', look, true));
  await page.context().close();
}

/** Choosing a model of a Hub on this machine: list, question, progress, refusal, what is kept, template. */
async function takeModels() {
  const unregister = register();
  const { startHubServer } = await import('../src/testing/hubServer.ts');
  const { tinyModelFiles } = await import('../src/testing/engineHarness.ts');
  const files = new Map(tinyModelFiles().files.map(({ path, data }) => [path, data]));
  const large = new Map([...files, ['LICENSE', new Uint8Array(24 * 2 ** 20).map((_, i) => i >>> 5)]]);
  const hub = await startHubServer({ repos: { 'example/small-lm': { files: large, licence: 'mit' }, 'example/gated-lm': { files, gated: 'manual', licence: 'custom' } } });
  for (const look of LOOKS) {
    const page = await newPage(look);
    await page.goto(`${address}?hub=${hub.endpoint}`);
    await page.getByRole('button', { name: /Load the demo model/ }).and(page.locator(':enabled')).waitFor();
    await takeOf(page, 'models-chooser', look, true);
    const lookAt = async (id) => {
      await page.getByRole('textbox', { name: 'Hub id or address' }).fill(id);
      await button(page, 'Look at it').click();
    };
    await lookAt('example/gated-lm');
    await page.getByText('wants an access token').waitFor();
    await takeOf(page, 'models-gated', look);
    await button(page, 'Dismiss').click();
    await lookAt('example/small-lm');
    await page.getByRole('dialog').waitFor();
    await takeOf(page, 'models-consent', look);
    hub.faults.push({ path: /LICENSE/, kind: 'slow', bytes: 2 ** 20, pauseMs: 300 });
    await page.getByRole('dialog').getByRole('button', { name: /Download and load/ }).click();
    await page.waitForTimeout(2500);
    await page.evaluate(() => scrollTo(0, 0));
    await takeOf(page, 'models-progress', look);
    await button(page, 'Cancel').click();
    await page.getByRole('button', { name: /^Resume download/ }).waitFor();
    await takeOf(page, 'models-resume', look);
    hub.faults.length = 0;
    await page.getByRole('button', { name: /^Resume download/ }).click();
    await page.getByTitle(/sha256 of the weights/).waitFor({ timeout: 60_000 });
    await takeOf(page, 'models-kept', look, true);
    await button(page, 'Chat template…').click();
    await page.getByRole('dialog').waitFor();
    await takeOf(page, 'models-template', look);
    await page.context().close();
  }
  await hub.close();
  await unregister();
}

const only = process.argv[3];
if (only !== 'models') await takeStations();
if (only !== 'stations') await takeModels();
await browser.close();
server.close();
server.closeAllConnections();
process.stdout.write(`Pictures are in ${folder}\n`);
process.exit(0);
