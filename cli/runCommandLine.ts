/** Chooses the command and turns errors into one line and an exit code. The process itself is main.ts's. */
import { EngineError } from '../src/base/errors.ts';
import type { Command } from './command.ts';
import { demoCommand } from './commands/demo.ts';
import { evaluateCommand } from './commands/evaluate.ts';
import { generateCommand } from './commands/generate.ts';
import { importCommand } from './commands/import.ts';
import { inspectCommand } from './commands/inspect.ts';
import { logitsCommand } from './commands/logits.ts';
import { modelsCommand } from './commands/models.ts';
import { trainCommand } from './commands/train.ts';
import { formatHelp, parseOptions, UsageError } from './options.ts';

const COMMANDS: Record<string, Command> = { demo: demoCommand, generate: generateCommand, train: trainCommand, evaluate: evaluateCommand, logits: logitsCommand, inspect: inspectCommand, models: modelsCommand, import: importCommand };

const HELP = `npm run cli -- COMMAND [OPTIONS]

${Object.values(COMMANDS)
  .map((command) => `  ${command.usage}`)
  .join('\n')}

npm run cli -- COMMAND --help explains one of them.
`;

/** Failures the person can put right are told in one line with exit code 2; everything else is a defect, or the machine's: 1. */
const PUT_RIGHT = new Set(['bad-argument', 'bad-file', 'bad-config', 'unsupported', 'not-found', 'access']);

/** @returns the exit code: 0, 1 for a defect or the machine's fault, 2 for what the person can put right */
export async function runCommandLine(args: string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    process.stdout.write(HELP);
    return name === undefined ? 2 : 0;
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  try {
    if (!command) throw new UsageError(`"${name}" is no command; there are ${Object.keys(COMMANDS).join(', ')}.`);
    if (rest.includes('--help') || rest.includes('-h')) {
      process.stdout.write(formatHelp(command.usage, command.about, command.options));
      return 0;
    }
    await command.run(parseOptions(rest, command.options));
    return 0;
  } catch (thrown) {
    if (thrown instanceof UsageError || (thrown instanceof EngineError && PUT_RIGHT.has(thrown.code))) {
      process.stderr.write(`${thrown.message.replaceAll(/\s*\n\s*/g, ' ')}\n`);
      return 2;
    }
    if (thrown instanceof EngineError) process.stderr.write(`${thrown.message} (${thrown.code})\n`);
    else process.stderr.write(`${thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)}\n`);
    return 1;
  }
}
