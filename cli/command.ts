/** What a command of the command line is. */
import type { OptionSpecs } from './options.ts';

export interface Command {
  /** As shown behind `npm run cli --`. */
  usage: string;
  about: string;
  options: OptionSpecs;
  /**
   * Does the work. Results go to stdout or files, progress to stderr.
   * @throws UsageError or EngineError for what the person can put right
   */
  run(values: Record<string, string | undefined>): Promise<void>;
}
