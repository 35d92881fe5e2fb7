/** Models from everywhere, as a person gets them: the Hub, an address, a folder; what goes wrong on the way; what is kept. */
import { expect, test, type Page } from '@playwright/test';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tinyModelFiles } from '../src/testing/engineHarness.ts';
import { startHubServer, type HubServer } from '../src/testing/hubServer.ts';
import { StudioPage } from './studioPage.ts';

test.use({
  launchOptions: {
    ...(process.env.CHROME_PATH ? { executablePath: process.env.CHROME_PATH } : {}),
    args: ['--no-sandbox', '--disable-quic', '--disable-background-networking', '--disable-component-update', '--disable-features=WebGPU'],
  },
});

const ID = 'tests/tiny';
/** Beside the 30 kB of weights, so that a download takes a while and has parts. */
const BALLAST = new Uint8Array(6 * 2 ** 20).map((_, i) => (i * 2654435761) >>> 13);

let server: HubServer;
test.beforeEach(async () => {
  const files = new Map(tinyModelFiles().files.map(({ path, data }) => [path, data as Uint8Array]));
  const large = new Map([...files, ['LICENSE', BALLAST] as const]);
  server = await startHubServer({ repos: { [ID]: { files: large, licence: 'mit' }, 'tests/gated': { files, gated: 'manual', licence: 'gemma' } } });
});
test.afterEach(() => server.close());

async function open(page: Page, hub = true): Promise<StudioPage> {
  const studio = new StudioPage(page);
  await page.goto(hub ? `./?hub=${server.endpoint}` : './');
  await expect(studio.button(/Load the demo model/)).toBeEnabled({ timeout: 60_000 });
  return studio;
}

const loaded = (page: Page) => expect(page.getByTitle(/sha256 of the weights/)).toBeVisible({ timeout: 60_000 });
const dialog = (page: Page) => page.getByRole('dialog', { name: /^Load / });

test('a model of the Hub is shown before it is downloaded, comes with consent, and opens again without a network', async ({ page }) => {
  const studio = await open(page);
  await studio.lookAt(ID);
  await expect(dialog(page)).toContainText('6.3 MB would be downloaded from 127.0.0.1');
  await expect(dialog(page)).toContainText('mit');
  await expect(dialog(page).getByText('Fits', { exact: true })).toBeVisible();
  await studio.checkAccessibility('consent');
  expect(server.calls.filter(({ path, method, range }) => method === 'GET' && /LICENSE|safetensors/.test(path) && range === null)).toEqual([]);
  await dialog(page).getByRole('button', { name: /Download and load \(6\.3 MB\)/ }).click();
  await loaded(page);
  await expect(studio.downloads.getByText('loaded', { exact: true })).toBeVisible();
  await studio.checkAccessibility('a loaded model and what is kept');

  await studio.button(`Check and repair ${ID}`).click();
  await expect(page.getByText(`Every file of ${ID} is as it was downloaded`)).toBeVisible();
  await server.close();
  await page.reload();
  await loaded(page);
  await studio.button(`Delete ${ID}`).click();
  await page.getByRole('dialog', { name: /Delete the files/ }).getByRole('button', { name: 'Delete 6.3 MB' }).click();
  await expect(studio.downloads).toBeHidden();
  expect(studio.errors).toEqual([]);
});

test('a model loads from an address, and from a folder on disk', async ({ page }) => {
  const studio = await open(page, false);
  await studio.lookAt(`${server.url(ID)}config.json`);
  await dialog(page).getByRole('button', { name: /Download and load/ }).click();
  await loaded(page);

  const folder = await mkdtemp(join(tmpdir(), 'tiny-lm-'));
  try {
    for (const { path, data } of tinyModelFiles(2).files) await writeFile(join(folder, path), data as Uint8Array);
    const before = await page.getByTitle(/sha256 of the weights/).textContent();
    const [chooser] = await Promise.all([page.waitForEvent('filechooser'), studio.openChooser().then(() => studio.button('Choose folder').click())]);
    await chooser.setFiles(folder);
    await expect(page.getByTitle(/sha256 of the weights/)).not.toHaveText(before!, { timeout: 60_000 });
    await expect(page.getByText('your files')).toBeVisible();
    await page.reload();
    await loaded(page);
    await expect(page.getByText('your files')).toBeVisible();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  expect(studio.errors).toEqual([]);
});

test('a wrong id, a gated model and a network that is gone each say what to do', async ({ page }) => {
  const studio = await open(page);
  await studio.lookAt('no-owner');
  await expect(page.getByText('A model id has an owner and a name', { exact: false })).toBeVisible();
  await studio.lookAt('tests/absent');
  await expect(page.getByText('tests/absent was not found')).toBeVisible();
  await studio.button('Dismiss').last().click();

  await studio.lookAt('tests/gated');
  const note = page.getByRole('alert').filter({ hasText: 'tests/gated wants an access token' });
  await expect(note).toBeVisible();
  await studio.checkAccessibility('a gated model');
  await note.getByLabel('Access token').fill('hf_wrong');
  await note.getByRole('button', { name: 'Try again with this token' }).click();
  await expect(note).toBeVisible();
  await note.getByLabel('Access token').fill('hf_right');
  await note.getByRole('button', { name: 'Try again with this token' }).click();
  await dialog(page).getByRole('button', { name: /Download and load/ }).click();
  await loaded(page);
  // The token is nowhere but in memory.
  const kept = await page.evaluate(async () => {
    const databases = await indexedDB.databases();
    return JSON.stringify([{ ...localStorage }, { ...sessionStorage }, location.href, document.cookie, databases.map(({ name }) => name)]);
  });
  expect(kept).not.toContain('hf_right');
  for (const call of server.calls.filter(({ authorization }) => authorization !== null)) expect(call.host).toBe('hub');

  await server.close();
  await studio.openChooser();
  await studio.lookAt('tests/other');
  await expect(page.getByText('tests/other could not be downloaded')).toBeVisible();
  expect(studio.errors).toEqual([]);
});

test('a browser without room says so before anything is downloaded', async ({ page }) => {
  const studio = await open(page);
  const session = await page.context().newCDPSession(page);
  await session.send('Storage.overrideQuotaForOrigin', { origin: new URL(page.url()).origin, quotaSize: 2_000_000 });
  await studio.lookAt(ID);
  await dialog(page).getByRole('button', { name: /Download and load/ }).click();
  await expect(page.getByText('This browser has no room for it')).toBeVisible();
  await expect(page.getByText(/needs \d\.\d MB more/)).toBeVisible();
  await expect(page.getByRole('link', { name: 'Downloaded models' })).toBeVisible();
  expect(server.calls.filter(({ path }) => /LICENSE/.test(path) && path.includes('resolve'))).toEqual([]);
  expect(studio.errors).toEqual([]);
});

test('a download that is cancelled, or cut off by a reload, goes on where it stopped', async ({ page }) => {
  const studio = await open(page);
  server.faults.push({ path: /LICENSE/, kind: 'slow', bytes: 2 ** 18, pauseMs: 500 });
  await studio.lookAt(ID);
  await dialog(page).getByRole('button', { name: /Download and load/ }).click();
  const bar = page.getByRole('progressbar', { name: /tests\/tiny: downloading/ });
  await expect(bar).toHaveAttribute('aria-valuetext', /[1-4]\.\d of 6\.3 MB.*\/s/, { timeout: 20_000 });
  await studio.button('Cancel').click();
  const resume = studio.button(/^Resume download \(\d/);
  await expect(resume).toBeVisible();
  await resume.click();
  await expect(bar).toBeVisible();
  await page.waitForTimeout(400);
  page.once('dialog', (question) => void question.accept());
  await page.reload();
  await expect(resume).toBeEnabled({ timeout: 60_000 });
  server.faults.length = 0;
  const before = server.calls.length;
  await resume.click();
  await loaded(page);
  // What had come was not asked for again.
  const again = server.calls.slice(before).filter(({ path, method }) => method === 'GET' && /LICENSE/.test(path));
  expect(again.length).toBeGreaterThan(0);
  for (const call of again) expect(call.range).toMatch(/^bytes=[1-9]\d*-/);
  await expect(resume).toHaveCount(0);
  expect(studio.errors).toEqual([]);
});

test('a chat template is shown, edited, refused where it is broken, kept over a reload and given back', async ({ page }) => {
  const studio = await open(page);
  await studio.loadDemoModel();
  await studio.button('Chat template…').click();
  const box = page.getByRole('textbox', { name: 'Template' });
  const own = await box.inputValue();
  await studio.checkAccessibility('the chat template');
  await box.fill('{% for message in messages %}');
  await studio.button('Apply').click();
  await expect(page.getByText('This template cannot be used; the one before stays')).toBeVisible();
  await box.fill("{% for message in messages %}Q: {{ message['content'] }}\n{% endfor %}A:");
  await studio.button('Apply').click();
  await expect(page.getByLabel('Rendered prompt')).toContainText(/Q: .+\s+A:/);
  await page.reload();
  await loaded(page);
  await expect(page.getByText('yours', { exact: true })).toBeVisible();
  await studio.button('Chat template…').click();
  await studio.button('Back to the model’s own').click();
  await expect(box).toHaveValue(own);
  expect(studio.errors).toEqual([]);
});
