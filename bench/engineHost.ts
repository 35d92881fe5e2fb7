/** A process that holds one engine and computes only when told: `node ... engineHost.ts <engine module> <settings as JSON>`. */
import type { OpenEngine } from './engines/engine.ts';

const [module, settings = 'null'] = process.argv.slice(2);
const send = (message: object): void => void process.send?.(message);
const textOf = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error));

try {
  const { default: open } = (await import(`./engines/${module}.ts`)) as { default: OpenEngine };
  const operations = await open(JSON.parse(settings));
  process.on('message', (message: { operation: string; argument: unknown }) => {
    void (async () => {
      try {
        const operation = operations[message.operation];
        if (!operation) throw new Error(`${module} has no operation "${message.operation}".`);
        send({ value: (await operation(message.argument as never)) ?? null });
      } catch (error) {
        send({ error: textOf(error) });
      }
    })();
  });
  send({ value: null });
} catch (error) {
  send({ error: textOf(error) });
}
// Should the driver end without a word.
process.on('disconnect', () => process.exit(0));
