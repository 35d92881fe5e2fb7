/** The command line: the same engine as the studio's, without a browser. */
import { runCommandLine } from './runCommandLine.ts';

const code = await runCommandLine(process.argv.slice(2));
// Dawn's threads would keep the process alive.
process.exit(code);
