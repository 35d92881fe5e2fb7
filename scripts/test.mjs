// All tests with one command: types and boundaries, unit tests, browser journeys. The last line counts them.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureInstalled, root } from './ensureInstalled.mjs';
import { findOrInstallChrome } from './findChrome.mjs';

ensureInstalled();
const reports = mkdtempSync(join(tmpdir(), 'sidestep-test-'));
const total = { passed: 0, failed: 0, skipped: 0 };
const bin = (...parts) => join(root, 'node_modules', ...parts);

function count(passed, failed, skipped = 0) {
  total.passed += passed;
  total.failed += failed;
  total.skipped += skipped;
}

/** Runs a Node program with its output shown; resolves with its exit code. */
function runNode(title, args, env = {}) {
  process.stdout.write(`\n== ${title}\n`);
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 1, 2], env: { ...process.env, ...env } });
    child.on('error', (error) => {
      process.stderr.write(`${error.message}\n`);
      resolve(1);
    });
    child.on('exit', (code) => resolve(code ?? 1));
  });
}

/** A step that passes or fails as a whole counts as one test. */
async function runStep(title, args) {
  const code = await runNode(title, args);
  count(code === 0 ? 1 : 0, code === 0 ? 0 : 1);
}

/** The counts a test program wrote; a program that ended badly without saying which test failed counts as one failure. */
function countReport(title, path, code, read) {
  let counts;
  try {
    counts = read(JSON.parse(readFileSync(path, 'utf8')));
  } catch (error) {
    process.stderr.write(`${title} wrote no report (${error.message}).\n`);
    return count(0, 1);
  }
  if (code !== 0 && counts.failed === 0) counts.failed = 1;
  if (counts.passed + counts.failed === 0) counts.failed = 1; // no tests at all is a failure
  count(counts.passed, counts.failed, counts.skipped);
}

/** A loopback port that was free a moment ago. */
function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

await runStep('WebAssembly kernels are those of their source', [join(root, 'scripts', 'buildWasm.mjs'), '--check']);
await runStep('types of the whole', [bin('typescript', 'bin', 'tsc'), '--noEmit', '-p', 'tsconfig.json']);
await runStep('types of the engine', [bin('typescript', 'bin', 'tsc'), '--noEmit', '-p', 'src/tsconfig.json']);
await runStep('boundaries', [bin('dependency-cruiser', 'bin', 'dependency-cruise.mjs'), '--config', 'dependency-cruiser.config.cjs', 'app', 'src', 'cli']);

// Found first: the WebGPU tests in Node use the browser's software driver where there is no GPU.
let chrome = null;
try {
  chrome = await findOrInstallChrome();
  process.stdout.write(`\nBrowser: ${chrome}\n`);
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  count(0, 1);
}
const browserEnv = chrome ? { CHROME_PATH: chrome } : {};

const unit = join(reports, 'unit.json');
const unitCode = await runNode('unit tests', [bin('vitest', 'vitest.mjs'), 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${unit}`], browserEnv);
countReport('vitest', unit, unitCode, (r) => ({ passed: r.numPassedTests, failed: r.numFailedTests, skipped: r.numPendingTests + r.numTodoTests }));

if (chrome) {
  const journeys = join(reports, 'journeys.json');
  const env = { ...browserEnv, SIDESTEP_PORT: String(await freePort()), PLAYWRIGHT_JSON_OUTPUT_NAME: journeys };
  const code = await runNode('journeys', [bin('@playwright', 'test', 'cli.js'), 'test', '-c', 'e2e/playwright.config.ts', '--reporter=list,json'], env);
  countReport('playwright', journeys, code, ({ stats }) => ({ passed: stats.expected, failed: stats.unexpected + stats.flaky, skipped: stats.skipped }));
}

rmSync(reports, { recursive: true, force: true });
process.stdout.write(`\n${total.passed} passed, ${total.failed} failed${total.skipped ? `, ${total.skipped} skipped` : ''}\n`);
process.exit(total.failed === 0 ? 0 : 1);
