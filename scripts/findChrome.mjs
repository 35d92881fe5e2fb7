// Finds a Chrome or Chromium for the browser tests: an installed one first, then Playwright's own, then the system package.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { root } from './ensureInstalled.mjs';

const NAMES = ['google-chrome', 'google-chrome-stable', 'chromium', 'chromium-browser', 'chrome'];
const PLACES = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
  'C:\\Program Files (x86)\\Google\\Chrome\\Application\\chrome.exe',
];

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false; // that is the answer
  }
}

/** Absolute path of an installed browser, or null. `CHROME_PATH` wins; naming a file that is not there is an error. */
export function findInstalledChrome() {
  const named = process.env.CHROME_PATH;
  if (named) {
    if (!isExecutable(named)) throw new Error(`CHROME_PATH is ${named}, but there is no such program.`);
    return named;
  }
  const folders = (process.env.PATH ?? '').split(delimiter).filter(Boolean);
  for (const name of NAMES) for (const folder of folders) if (isExecutable(join(folder, name))) return join(folder, name);
  return PLACES.find((path) => existsSync(path)) ?? null;
}

async function ownChromium() {
  const { chromium } = await import('playwright');
  return existsSync(chromium.executablePath()) ? chromium.executablePath() : null;
}

/**
 * Path of a browser to test with, installing one if there is none.
 * @throws Error that says what to install by hand
 */
export async function findOrInstallChrome() {
  const found = findInstalledChrome() ?? (await ownChromium());
  if (found) return found;
  process.stdout.write("No Chrome or Chromium found: downloading Playwright's ...\n");
  const isRoot = process.getuid?.() === 0;
  const cli = join(root, 'node_modules', 'playwright', 'cli.js');
  const download = spawnSync(process.execPath, [cli, 'install', ...(isRoot ? ['--with-deps'] : []), 'chromium'], { stdio: ['ignore', 1, 2] });
  const own = download.status === 0 ? await ownChromium() : null;
  if (own) return own;
  if (isRoot && existsSync('/usr/bin/apt-get')) {
    process.stdout.write('The download failed: installing the system package chromium ...\n');
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    spawnSync('apt-get', ['update', '-qq'], { stdio: ['ignore', 1, 2], env });
    spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'chromium'], { stdio: ['ignore', 1, 2], env });
    const system = findInstalledChrome();
    if (system) return system;
  }
  throw new Error('No Chrome or Chromium, and none could be installed. Install one, or set CHROME_PATH.');
}
