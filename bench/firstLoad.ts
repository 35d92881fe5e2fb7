/**
 * Bytes of the built studio before the first interaction: all that the page itself fetches, compressed, until nothing more comes and nobody
 * has touched it. What the engine fetches in its worker meanwhile, the demo model included, holds up no click and is listed apart.
 * Run: npx tsx bench/firstLoad.ts
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { chromium } from 'playwright';
import { build } from 'vite';
import { root } from '../scripts/ensureInstalled.mjs';
import { findOrInstallChrome } from '../scripts/findChrome.mjs';
import { createStaticServer, listenOnFreePort } from '../scripts/serveFolder.mjs';

/** One file that the browser fetched. */
export interface LoadedFile {
  path: string;
  /** gzip, level 9. */
  bytesGz: number;
  by: 'page' | 'engine';
}

export interface FirstLoad {
  files: LoadedFile[];
  /** Of the files that the page fetched. */
  bytesGz: number;
  engineBytesGz: number;
}

async function fetchedPaths(url: string): Promise<{ page: Set<string>; all: Set<string> }> {
  const browser = await chromium.launch({ executablePath: await findOrInstallChrome(), args: ['--no-sandbox', '--disable-background-networking', '--disable-component-update'] });
  try {
    const page = await browser.newPage();
    const all = new Set<string>();
    const own = new Set<string>();
    const local = (address: string): string | null => (new URL(address).origin === new URL(url).origin ? new URL(address).pathname : null);
    page.on('request', (request) => {
      // A HEAD request asks whether a file is there, and fetches nothing of it.
      const path = local(request.url());
      if (path && request.method() === 'GET') all.add(path);
    });
    // This session hears of the page's own requests and of its worker's script, but not of what the worker fetches.
    const session = await page.context().newCDPSession(page);
    await session.send('Network.enable');
    session.on('Network.requestWillBeSent', ({ request }) => {
      const path = local(request.url);
      if (path && request.method === 'GET') own.add(path);
    });
    await page.goto(url);
    await page.getByRole('heading', { level: 1 }).waitFor();
    await page.waitForLoadState('networkidle');
    for (const worker of page.workers()) own.delete(new URL(worker.url()).pathname);
    return { page: own, all };
  } finally {
    await browser.close();
  }
}

/** Builds the studio into a folder of its own and opens it in a browser. */
export async function measureFirstLoad(): Promise<FirstLoad> {
  const folder = await mkdtemp(join(tmpdir(), 'sidestep-first-load-'));
  try {
    await build({ root, logLevel: 'error', build: { outDir: folder, emptyOutDir: true, sourcemap: false } });
    const server = createStaticServer(folder);
    const port = await listenOnFreePort(server, 4300);
    const { page, all } = await fetchedPaths(`http://127.0.0.1:${port}/`).finally(() => server.close());
    const files = await Promise.all(
      [...all].map(async (path): Promise<LoadedFile> => {
        const bytes = await readFile(join(folder, path === '/' ? 'index.html' : decodeURIComponent(path)));
        return { path, bytesGz: gzipSync(bytes, { level: 9 }).length, by: page.has(path) ? 'page' : 'engine' };
      }),
    );
    const sum = (by: LoadedFile['by']): number => files.reduce((total, file) => total + (file.by === by ? file.bytesGz : 0), 0);
    return { files, bytesGz: sum('page'), engineBytesGz: sum('engine') };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { files, bytesGz, engineBytesGz } = await measureFirstLoad();
  for (const { path, bytesGz: bytes, by } of files) console.log(`${(bytes / 1000).toFixed(1).padStart(8)} kB gz  ${by.padEnd(6)} ${path}`);
  console.log(`${(bytesGz / 1000).toFixed(1).padStart(8)} kB gz before the first interaction; the engine fetches ${(engineBytesGz / 1000).toFixed(1)} kB gz beside it`);
  process.exit(0);
}
