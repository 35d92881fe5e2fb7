// Builds dist/ when it is missing or older than what it is made of.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './ensureInstalled.mjs';

const SOURCES = ['app', 'src', 'public', 'index.html', 'vite.config.ts', 'package-lock.json', 'tsconfig.base.json'];

/** Time of the last change under a path, ms; 0 if it does not exist. Tests do not count, generated files neither. */
function newestMs(path) {
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found) return 0;
  if (!found.isDirectory()) return /\.test\.tsx?$/.test(path) || path.endsWith('.wasm') ? 0 : found.mtimeMs;
  return Math.max(0, ...readdirSync(path).map((name) => (name === 'testing' ? 0 : newestMs(join(path, name)))));
}

export function isBuilt() {
  const built = join(root, 'dist', 'index.html');
  return existsSync(built) && statSync(built).mtimeMs >= Math.max(...SOURCES.map((path) => newestMs(join(root, path))));
}

/** Ends the process with the build's exit code if it fails. */
export function ensureBuilt() {
  if (isBuilt()) return;
  process.stderr.write('Building the studio (npm run build) ...\n');
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const run = spawnSync(npm, ['run', '--silent', 'build'], { cwd: root, stdio: ['ignore', 2, 2], shell: process.platform === 'win32' });
  if (run.status !== 0) {
    process.stderr.write('The build failed: see above.\n');
    process.exit(run.status ?? 1);
  }
}
