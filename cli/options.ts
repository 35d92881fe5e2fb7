/** Reads the options of one command, strictly: an unknown or malformed one is a UsageError, one clear line. */
import { parseArgs } from 'node:util';

/** What the person can put right; printed as one line, exit code 2. */
export class UsageError extends Error {
  override name = 'UsageError';
}

/** One option as it is declared and shown in the help. */
export interface OptionSpec {
  /** Placeholder of its value; absent for a switch. */
  value?: string;
  description: string;
  required?: boolean;
  /** Shown in the help. */
  default?: string;
}
export type OptionSpecs = Record<string, OptionSpec>;

/**
 * @returns values by name; absent options are absent
 * @throws UsageError
 */
export function parseOptions(args: string[], specs: OptionSpecs): Record<string, string | undefined> {
  const options = Object.fromEntries(Object.entries(specs).map(([name, spec]) => [name, { type: spec.value === undefined ? ('boolean' as const) : ('string' as const) }]));
  let parsed: { values: Record<string, unknown>; positionals: string[] };
  try {
    parsed = parseArgs({ args, options, allowPositionals: true, strict: true });
  } catch (thrown) {
    throw new UsageError(`${(thrown as Error).message.split('. ')[0]}. See --help.`);
  }
  const extra = parsed.positionals[0];
  if (extra !== undefined) throw new UsageError(`"${extra}" is not expected here. See --help.`);
  const values: Record<string, string | undefined> = {};
  for (const [name, value] of Object.entries(parsed.values)) values[name] = typeof value === 'string' ? value : value ? 'true' : undefined;
  for (const [name, spec] of Object.entries(specs)) {
    if (spec.required && values[name] === undefined) throw new UsageError(`--${name} ${spec.value ?? ''} is missing. See --help.`);
    if (values[name] === '') throw new UsageError(`--${name} is empty.`);
  }
  return values;
}

/** A whole number within bounds. @throws UsageError */
export function toWholeNumber(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < min || value > max) throw new UsageError(`--${name} must be a whole number from ${min} to ${max}, not "${text}".`);
  return value;
}

/** A number within bounds. @throws UsageError */
export function toNumber(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (!/^[\d.eE+-]+$/.test(text) || !(value >= min && value <= max)) throw new UsageError(`--${name} must be a number from ${min} to ${max}, not "${text}".`);
  return value;
}

/** One of some words. @throws UsageError */
export function toChoice<T extends string>(name: string, text: string, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === text);
  if (found === undefined) throw new UsageError(`--${name} must be ${choices.slice(0, -1).join(', ')} or ${choices.at(-1) ?? ''}, not "${text}".`);
  return found;
}

/** Help of one command. */
export function formatHelp(usage: string, about: string, specs: OptionSpecs): string {
  const left = Object.entries(specs).map(([name, spec]) => `  --${name}${spec.value ? ` ${spec.value}` : ''}`);
  const width = Math.max(...left.map((text) => text.length)) + 2;
  const lines = Object.values(specs).map((spec, i) => {
    const notes = [spec.required ? 'required' : '', spec.default !== undefined ? `default ${spec.default}` : ''].filter(Boolean).join(', ');
    return `${(left[i] as string).padEnd(width)}${spec.description}${notes ? ` (${notes})` : ''}`;
  });
  return `npm run cli -- ${usage}\n\n${about}\n\n${lines.join('\n')}\n`;
}
