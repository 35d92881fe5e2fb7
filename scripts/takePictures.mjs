// Pictures of the real studio for the README: runs the whole demo on WASM in Chromium and photographs every station.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright';
import { ensureBuilt } from './buildStudio.mjs';
import { root } from './ensureInstalled.mjs';
import { findOrInstallChrome } from './findChrome.mjs';
import { createStaticServer, listenOnFreePort } from './serveFolder.mjs';

const folder = process.argv[2] ?? join(root, 'docs', 'pictures');
mkdirSync(folder, { recursive: true });
ensureBuilt();
const server = createStaticServer(join(root, 'dist'));
const port = await listenOnFreePort(server, 0);
const browser = await chromium.launch({
  executablePath: await findOrInstallChrome(),
  args: ['--no-sandbox', '--disable-quic', '--disable-background-networking', '--disable-component-update'],
});
const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, colorScheme: 'light' });
page.on('dialog', (dialog) => void dialog.accept());
await page.goto(`http://127.0.0.1:${port}/`);
await page.getByRole('button', { name: 'Run the whole demo' }).click();
const take = async (name) => {
  await page.waitForTimeout(600); // charts draw a frame after their data
  await page.screenshot({ path: join(folder, `${name}.png`) });
};
await page.getByText('The whole demo is done').waitFor({ timeout: 900_000 });
await page.getByRole('button', { name: "Put the demo's progress away" }).click();

for (const [theme, width] of [['light', 1280], ['dark', 1280], ['light', 390], ['dark', 390]]) {
  await page.emulateMedia({ colorScheme: theme });
  await page.setViewportSize({ width, height: 800 });
  for (const station of ['Model', 'Prompts', 'Curate', 'Train', 'Evaluate', 'Runs', 'Export']) {
    await page.getByRole('navigation', { name: 'Stations' }).getByRole('link', { name: new RegExp(`^${station}`) }).click();
    if (station === 'Curate') {
      await page.getByRole('combobox', { name: 'Show' }).selectOption({ label: 'Unsafe' });
    }
    if (station === 'Train') await page.getByText('Toxic prompts: three outcomes').first().scrollIntoViewIfNeeded();
    await take(`${station.toLowerCase()}-${theme}-${width}`);
  }
}
await browser.close();
server.close();
server.closeAllConnections();
process.stdout.write(`Pictures are in ${folder}\n`);
process.exit(0);
