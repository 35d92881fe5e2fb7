// Installs the pinned packages when they are missing or older than the lock file. Plain Node: works in a fresh clone.
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

const [major, minor] = process.versions.node.split('.').map(Number);

/** Ends the process with one line when this Node is too old. */
function assertNodeVersion() {
  if (major > 20 || (major === 20 && minor >= 19)) return;
  process.stderr.write(`Sidestep needs Node 20.19 or newer; this is ${process.versions.node}.\n`);
  process.exit(1);
}

/** True when node_modules holds what the lock file says. npm writes node_modules/.package-lock.json last. */
export function isInstalled() {
  const marker = join(root, 'node_modules', '.package-lock.json');
  return existsSync(marker) && statSync(marker).mtimeMs >= statSync(join(root, 'package-lock.json')).mtimeMs;
}

/**
 * Runs `npm ci` if needed. Its output goes to stderr, so that stdout stays clean for programs.
 * Ends the process with npm's exit code if it fails.
 */
export function ensureInstalled() {
  assertNodeVersion();
  if (isInstalled()) return;
  process.stderr.write('Installing packages (npm ci) ...\n');
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const run = spawnSync(npm, ['ci', '--no-fund', '--no-audit', '--loglevel=error'], { cwd: root, stdio: ['ignore', 2, 2], shell: process.platform === 'win32' });
  if (run.status !== 0) {
    process.stderr.write('npm ci failed: see above. Check the network, then try again.\n');
    process.exit(run.status ?? 1);
  }
}
