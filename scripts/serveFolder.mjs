// A static server for the built studio: loopback only, right MIME types, and the headers that isolate the page.
// Not for the open internet.
import { createReadStream, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { basename, extname, join, sep } from 'node:path';

const MIME = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.jsonl': 'application/x-ndjson; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
  '.md': 'text/markdown; charset=utf-8',
  '.txt': 'text/plain; charset=utf-8',
  '.wasm': 'application/wasm',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.webp': 'image/webp',
  '.woff2': 'font/woff2',
  '.webmanifest': 'application/manifest+json',
  '.safetensors': 'application/octet-stream',
};

// Everything from this server and nothing from elsewhere: what is typed or generated here cannot leave the page.
const POLICY = [
  "default-src 'self'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "worker-src 'self' blob:",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "font-src 'self'",
  "connect-src 'self' data: blob:",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
];
const CONTENT_SECURITY_POLICY = POLICY.join('; ');
/**
 * The engine's worker alone may fetch models that the person chose: from the Hub and its file servers, from any https address, from this machine.
 * A worker has the policy of its own script.
 */
const ENGINE_POLICY = POLICY.map((rule) => (rule.startsWith('connect-src') ? `${rule} https: http://127.0.0.1:* http://localhost:*` : rule)).join('; ');
const ENGINE_SCRIPT = /^entry-[\w-]+\.js$/;

const HEADERS = {
  'Content-Security-Policy': CONTENT_SECURITY_POLICY,
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
};

/** The file that a request path names, or null: never one outside `folder`. */
function fileOf(folder, url) {
  let path;
  try {
    path = decodeURIComponent(new URL(url, 'http://localhost').pathname);
  } catch {
    return null; // malformed escapes name no file
  }
  if (path.includes('\0')) return null;
  const file = join(folder, path.endsWith('/') ? `${path}index.html` : path);
  if (!file.startsWith(folder + sep)) return null;
  const found = statSync(file, { throwIfNoEntry: false });
  return found?.isFile() ? { file, sizeBytes: found.size } : null;
}

/** A server for `folder` (absolute); not yet listening. */
export function createStaticServer(folder) {
  return createServer((request, response) => {
    const send = (status, text) => response.writeHead(status, { ...HEADERS, 'Content-Type': 'text/plain; charset=utf-8' }).end(text);
    if (request.method !== 'GET' && request.method !== 'HEAD') return send(405, 'Only GET and HEAD.');
    const found = fileOf(folder, request.url ?? '/');
    if (!found) return send(404, 'No such file.');
    // Names under assets/ carry a hash of their content.
    const immutable = found.file.startsWith(join(folder, 'assets') + sep);
    response.writeHead(200, {
      ...HEADERS,
      ...(immutable && ENGINE_SCRIPT.test(basename(found.file)) ? { 'Content-Security-Policy': ENGINE_POLICY } : {}),
      'Content-Type': MIME[extname(found.file)] ?? 'application/octet-stream',
      'Content-Length': found.sizeBytes,
      'Cache-Control': immutable ? 'public, max-age=31536000, immutable' : 'no-cache',
    });
    if (request.method === 'HEAD') return response.end();
    createReadStream(found.file).on('error', () => response.destroy()).pipe(response);
  });
}

/**
 * Listens on the first free port at or after `port` (0: any), on loopback only.
 * @returns the port it got
 */
export async function listenOnFreePort(server, port, host = '127.0.0.1') {
  for (let tried = 0; ; tried++) {
    try {
      await new Promise((resolve, reject) => {
        server.once('error', reject);
        server.listen(port === 0 ? 0 : port + tried, host, () => {
          server.off('error', reject);
          resolve();
        });
      });
      return server.address().port;
    } catch (error) {
      if (error.code !== 'EADDRINUSE' || tried >= 100) throw error;
    }
  }
}
