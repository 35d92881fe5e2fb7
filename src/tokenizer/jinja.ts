/**
 * Renders Jinja templates from outside with an upper bound on time and memory: @huggingface/jinja interprets, this file counts.
 * Differs from the library's own Template.render: `range` and every expression are bounded, and `strftime_now` gives a fixed date.
 */
import { Environment, Interpreter, parse, tokenize } from '@huggingface/jinja';
import { EngineError } from '../base/errors.ts';

/** The longest template of a model in use has under 20 000 characters. */
const MAX_SOURCE = 64_000;
const MAX_SPACE_RUN = /\s{2000}/;
/** Evaluated nodes of the syntax tree, and what they give: each member of a list and every 64 characters of a text count as one. A chat turn takes some hundreds. */
const MAX_STEPS = 200_000;
/** Of any one value, written out. */
const MAX_TEXT = 4_000_000;
const MAX_LIST = 10_000;
/** A number given to a filter (width of indent, of tojson). */
const MAX_FILTER_NUMBER = 1000;

/**
 * The day that `strftime_now` names. A template that writes today's date (Llama 3.2) would make a run unrepeatable: its rows would change
 * from day to day. This is the date that Llama's own templates fall back to where there is no clock.
 */
const FIXED_DATE = { Y: '2024', m: '07', d: '26', b: 'Jul', B: 'July', y: '24', A: 'Friday', a: 'Fri', H: '12', M: '00', S: '00', j: '208', '%': '%' } as const;

function fixedDate(format: unknown): string {
  return String(format).replace(/%-?([a-zA-Z%])/g, (written, letter: string) => {
    const value = (FIXED_DATE as Record<string, string | undefined>)[letter];
    if (value === undefined) throw new Error(`strftime_now: ${written} is not supported`);
    return written.includes('-') ? value.replace(/^0(?=.)/, '') : value;
  });
}

function boundedRange(...bounds: unknown[]): number[] {
  if (bounds.length < 1 || bounds.length > 3 || !bounds.every(Number.isSafeInteger)) throw new Error('range() takes one to three whole numbers');
  const [begin, end, step] = (bounds.length === 1 ? [0, bounds[0], 1] : [bounds[0], bounds[1], bounds[2] ?? 1]) as [number, number, number];
  if (step === 0) throw new Error('range() step must not be zero');
  const length = Math.max(0, Math.ceil((end - begin) / step));
  if (length > MAX_LIST) throw new Error(`range() of ${length} values is more than ${MAX_LIST}`);
  return Array.from({ length }, (_, i) => begin + i * step);
}

type Node = Parameters<Interpreter['evaluate']>[0];
type Value = ReturnType<Interpreter['evaluate']>;

/** How long a value is when written out. Lists may share their members, so that a short one can be very long. */
class Size {
  private readonly known = new WeakMap<object, number>();

  of(value: Value, depth = 0): number {
    if (value.type === 'StringValue') return (value.value as string).length;
    if (value.type !== 'ArrayValue' && value.type !== 'TupleValue' && value.type !== 'ObjectValue' && value.type !== 'NamespaceValue' && value.type !== 'KeywordArgumentsValue') return 8;
    if (depth > 100) throw new Error('a value is nested more than 100 deep');
    const known = this.known.get(value);
    if (known !== undefined) return known;
    const members = Array.isArray(value.value) ? (value.value as Value[]) : [...(value.value as Map<string, Value>).values()];
    let size = 2;
    for (const member of members) {
      size += 4 + this.of(member, depth + 1);
      if (size > MAX_TEXT) break;
    }
    // A namespace is the one value that can change.
    if (value.type === 'ArrayValue' || value.type === 'TupleValue') this.known.set(value, size);
    return size;
  }
}

/** Python's white space: not U+FEFF, but U+0085 and the separators U+001C to U+001F. */
const PYTHON_SPACES = /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/;

/** Python's str.strip, lstrip and rstrip. The library's take JavaScript's white space, and take it also where characters are named. */
function strip(text: string, characters: string | null, left: boolean, right: boolean): string {
  const isStripped = (character: string): boolean => (characters === null ? PYTHON_SPACES.test(character) : characters.includes(character));
  let [begin, end] = [0, text.length];
  while (left && begin < end && isStripped(text[begin] as string)) begin++;
  while (right && end > begin && isStripped(text[end - 1] as string)) end--;
  return text.slice(begin, end);
}

/** Of `x | trim`, `x.strip()`, `x.lstrip('a')` and their like: what is stripped, where, of what. */
function strippingCall(node: object): { operand: Node; args: Node[]; left: boolean; right: boolean } | null {
  const { type, operand, filter, callee, args } = node as { type?: string; operand?: Node; filter?: { value?: string; callee?: { value?: string }; args?: Node[] }; callee?: { type?: string; object?: Node; property?: { value?: string } }; args?: Node[] };
  if (type === 'FilterExpression') return (filter?.callee?.value ?? filter?.value) === 'trim' ? { operand, args: filter?.args ?? [], left: true, right: true } : null;
  const method = type === 'CallExpression' && callee?.type === 'MemberExpression' ? callee.property?.value : undefined;
  return method === 'strip' || method === 'lstrip' || method === 'rstrip' ? { operand: callee?.object, args: args ?? [], left: method !== 'rstrip', right: method !== 'lstrip' } : null;
}

/** Names of filters and methods in a node that make long texts of short ones. */
function growingCall(node: object): { name: string; args: Node[] } | null {
  const { type, filter, callee, args } = node as { type?: string; filter?: { type?: string; value?: string; callee?: { value?: string }; args?: Node[] }; callee?: { property?: { value?: string } }; args?: Node[] };
  const called = type === 'FilterExpression' || type === 'FilterStatement' ? { name: filter?.callee?.value ?? filter?.value, args: filter?.args } : type === 'CallExpression' ? { name: callee?.property?.value, args } : null;
  return called && (called.name === 'indent' || called.name === 'tojson' || called.name === 'replace' || called.name === 'join') ? { name: called.name, args: called.args ?? [] } : null;
}

class BoundedInterpreter extends Interpreter {
  private steps = 0;
  private readonly size = new Size();

  override evaluate(node: Node, environment: Environment): Value {
    if (++this.steps > MAX_STEPS) throw new Error(`it takes more than ${MAX_STEPS} steps; is there a loop that hardly ends?`);
    if (node) this.refuseGrowth(node, environment);
    const value = (node && this.stripped(node, environment)) ?? super.evaluate(node, environment);
    if (typeof value.value === 'string') this.steps += value.value.length >> 6;
    else if (Array.isArray(value.value)) this.steps += value.value.length;
    else if (value.value instanceof Map) this.steps += value.value.size;
    if (this.size.of(value) > MAX_TEXT) throw new Error(`it makes a value of more than ${MAX_TEXT} characters`);
    if (Array.isArray(value.value) && value.value.length > MAX_LIST) throw new Error(`it makes a list of more than ${MAX_LIST} values`);
    return value;
  }

  private stripped(node: NonNullable<Node>, environment: Environment): Value | null {
    const call = strippingCall(node);
    if (!call) return null;
    const operand = this.evaluate(call.operand, environment);
    const characters = call.args.length === 1 ? this.evaluate(call.args[0], environment).value : null;
    if (operand.type !== 'StringValue' || call.args.length > 1 || (characters !== null && typeof characters !== 'string')) throw new Error('trim and strip take a text, and the characters to take off');
    // The class of texts is not exported.
    return Object.assign(Object.create(Object.getPrototypeOf(operand) as object) as Value, { type: 'StringValue', value: strip(operand.value as string, characters, call.left, call.right) });
  }

  /** Before a filter or method is applied whose result is not bounded by what goes in. */
  private refuseGrowth(node: NonNullable<Node>, environment: Environment): void {
    const call = growingCall(node);
    if (!call) return;
    for (const arg of call.args) {
      const inner = (arg as { value?: Node }).value;
      const value = super.evaluate((arg as { type?: string }).type === 'KeywordArgumentExpression' ? inner : arg, environment);
      if (typeof value.value === 'number' && value.value > MAX_FILTER_NUMBER) throw new Error(`${call.name}: ${value.value} is more than ${MAX_FILTER_NUMBER}`);
      // What replaces, or joins, is written many times.
      if ((call.name === 'replace' || call.name === 'join' || call.name === 'indent') && typeof value.value === 'string' && value.value.length > MAX_FILTER_NUMBER)
        throw new Error(`${call.name}: a text of ${value.value.length} characters is more than ${MAX_FILTER_NUMBER}`);
    }
  }
}

const reasonOf = (error: unknown): string => (error instanceof RangeError ? 'it is nested too deep or makes too much text' : error instanceof TypeError ? 'it ends before it is complete' : error instanceof Error ? error.message : String(error)).slice(0, 300);

function parseTemplate(source: string): ReturnType<typeof parse> {
  return parse(tokenize(source, { lstrip_blocks: true, trim_blocks: true }));
}

/** The first line up to which the template already fails as the whole does: errors of the parser do not say where. */
function lineOf(source: string, reason: string): number {
  const lines = source.split('\n');
  const failsAlike = (count: number): boolean => {
    try {
      parseTemplate(lines.slice(0, count).join('\n'));
      return false;
    } catch (error) {
      return reasonOf(error) === reason;
    }
  };
  let [low, high] = [1, lines.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (failsAlike(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

export interface JinjaTemplate {
  /** @throws EngineError unsupported: the template refuses (raise_exception), needs what is not there, or does not come to an end */
  render(variables: Record<string, unknown>): string;
}

/** @throws EngineError unsupported naming the line */
export function parseJinja(source: string): JinjaTemplate {
  if (source.length > MAX_SOURCE) throw new EngineError('unsupported', `chat template: ${source.length} characters are more than ${MAX_SOURCE}.`);
  if (MAX_SPACE_RUN.test(source)) throw new EngineError('unsupported', 'chat template: has a run of more than 2000 spaces or empty lines.');
  let program: ReturnType<typeof parse>;
  try {
    program = parseTemplate(source);
  } catch (error) {
    const reason = reasonOf(error);
    throw new EngineError('unsupported', `chat template, line ${lineOf(source, reason)}: ${reason}.`, { cause: error });
  }
  return {
    render(variables) {
      try {
        const environment = new Environment();
        const globals: Record<string, unknown> = { true: true, false: false, none: null, True: true, False: false, None: null, range: boundedRange, strftime_now: fixedDate };
        globals['raise_exception'] = (message: unknown): never => {
          throw new Error(String(message));
        };
        for (const [name, value] of Object.entries({ ...globals, ...variables })) environment.set(name, value);
        const result = new BoundedInterpreter(environment).run(program).value;
        if (typeof result !== 'string') throw new Error('it gives no text');
        return result;
      } catch (error) {
        if (error instanceof EngineError) throw error;
        const reason = error instanceof Error && error.message !== '' ? (error instanceof RangeError ? reasonOf(error) : error.message.slice(0, 300)) : 'it stops outside of a loop';
        throw new EngineError('unsupported', `chat template: ${reason.replace(/[.!]+$/, '')}.`, { cause: error });
      }
    },
  };
}
