// Runs the command line in TypeScript: installs what is missing, then hands over to tsx.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensureInstalled, root } from './ensureInstalled.mjs';

ensureInstalled();
// Relaxed SIMD is on by default in browsers; in Node 20 it has to be asked for.
const tsx = pathToFileURL(join(root, 'node_modules', 'tsx', 'dist', 'loader.mjs')).href;
const args = ['--experimental-wasm-relaxed-simd', '--import', tsx, join(root, 'cli', 'main.ts'), ...process.argv.slice(2)];
// npm runs scripts in the project folder; file names are meant from where the person is.
const cwd = process.env.npm_lifecycle_event === 'cli' && process.env.INIT_CWD ? process.env.INIT_CWD : process.cwd();
const child = spawn(process.execPath, args, { stdio: 'inherit', cwd });
// Ctrl+C reaches the child by itself; it cleans up and ends, and so does this.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => child.kill('SIGTERM'));
child.on('exit', (code, signal) => process.exit(signal ? 130 : (code ?? 1)));
