// One command from a fresh clone to the studio: installs, builds, serves, prints the address.
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ensureBuilt } from './buildStudio.mjs';
import { ensureInstalled, root } from './ensureInstalled.mjs';
import { createStaticServer, listenOnFreePort } from './serveFolder.mjs';

const HELP = `npm start [-- --port N]

Installs what is missing, builds the studio if its sources are newer, and serves it on 127.0.0.1.
  --port N   first port to try (default 4173); the next free one is taken. 0: any
  --help     this text
`;

function readPort() {
  let values;
  try {
    ({ values } = parseArgs({ options: { port: { type: 'string' }, help: { type: 'boolean', short: 'h' } } }));
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
    process.exit(2);
  }
  if (values.help) {
    process.stdout.write(HELP);
    process.exit(0);
  }
  const text = values.port ?? process.env.PORT ?? '4173';
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65535) {
    process.stderr.write(`--port must be a whole number from 0 to 65535, not "${text}".\n`);
    process.exit(2);
  }
  return port;
}

const wanted = readPort();
ensureInstalled();
ensureBuilt();
const server = createStaticServer(join(root, 'dist'));
const port = await listenOnFreePort(server, wanted);
process.stdout.write(`Sidestep is at http://127.0.0.1:${port}/\nOpen it in Chrome or Edge. Ctrl+C ends it.\n`);
for (const signal of ['SIGINT', 'SIGTERM'])
  process.on(signal, () => {
    server.close();
    server.closeAllConnections();
    process.exit(0);
  });
