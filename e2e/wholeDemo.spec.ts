/** The button for the impatient, in a browser without WebGPU: the whole job on WASM with the default settings, then every page as it then is. */
import { expect, test } from '@playwright/test';
import { STATIONS, StudioPage } from './studioPage.ts';

test.use({
  launchOptions: {
    ...(process.env.CHROME_PATH ? { executablePath: process.env.CHROME_PATH } : {}),
    args: ['--no-sandbox', '--disable-quic', '--disable-background-networking', '--disable-component-update', '--disable-features=WebGPU'],
  },
});

test('without WebGPU the whole demo runs on the CPU, makes the model safer, and every page stays accessible in both themes and widths', async ({ page }) => {
  test.setTimeout(900_000);
  const studio = new StudioPage(page);
  const outside: string[] = [];
  page.on('request', (request) => {
    const { protocol, hostname } = new URL(request.url());
    if (protocol.startsWith('http') && hostname !== '127.0.0.1') outside.push(request.url());
  });
  await studio.open();
  await expect(page.getByText('Running on the CPU (WASM): everything works, only slower')).toBeVisible({ timeout: 60_000 });
  await studio.checkAccessibility('Model, empty');

  await studio.button('Run the whole demo').click();
  await expect(page.getByText('The whole demo is done')).toBeVisible({ timeout: 800_000 });
  await expect(page.getByRole('heading', { level: 1, name: 'Evaluate' })).toBeVisible();

  await test.step('the result says k of n for base and tuned, and the tuned model is safer', async () => {
    const harmful = page.getByRole('row', { name: /^Harmful/ }).first();
    const counts = (await harmful.innerText()).match(/(\d+)\/168/g)!.map((count) => Number(count.split('/')[0]));
    expect(counts[0]).toBeGreaterThan(140);
    expect(counts[1]).toBeLessThan(counts[0]! / 4);
    await expect(harmful).toContainText('95 %');
  });

  for (const [theme, width] of [['light', 1280], ['dark', 1280], ['light', 390], ['dark', 390]] as const)
    await test.step(`${theme}, ${width} px`, async () => {
      await page.emulateMedia({ colorScheme: theme });
      await page.setViewportSize({ width, height: 800 });
      for (const station of STATIONS) {
        await studio.goTo(station);
        await studio.checkAccessibility(`${station}, ${theme}, ${width} px`);
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        expect(overflow, `${station} scrolls sideways at ${width} px`).toBe(0);
      }
    });

  await test.step('a reload loses nothing', async () => {
    await page.setViewportSize({ width: 1280, height: 800 });
    await page.reload();
    await studio.goTo('Runs');
    await expect(page.getByRole('row', { name: /demo/ })).toBeVisible({ timeout: 60_000 });
    await studio.goTo('Evaluate');
    await expect(page.getByRole('row', { name: /^Harmful/ }).first()).toContainText('/168');
  });
  expect(outside).toEqual([]);
  expect(studio.errors).toEqual([]);
});
