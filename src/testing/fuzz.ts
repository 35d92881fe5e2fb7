/**
 * Malformed files from a seed: changes to JSON, to text and to bytes, and what has to be true of each case: a result or an EngineError with
 * a message that can be shown, no other exception, no allocation beyond what the input justifies, an end. Only for tests.
 */
import { EngineError } from '../base/errors.ts';
import type { Rng } from '../base/rng.ts';
import { guardAllocations } from './allocationGuard.ts';

const pick = <T>(rng: Rng, list: readonly T[]): T => list[rng.int(list.length)] as T;

function nested(depth: number, inList: boolean): unknown {
  let value: unknown = 1;
  for (let i = 0; i < depth; i++) value = inList ? [value] : { type: 'Sequence', a: value };
  return value;
}

/** Values that a field is not meant to hold. */
const ODD: readonly ((rng: Rng) => unknown)[] = [
  () => null,
  () => true,
  () => false,
  () => 0,
  () => -1,
  () => -0,
  () => 1,
  () => 0.5,
  () => 1e-320,
  () => 1e308,
  () => 2 ** 31,
  () => 2 ** 32,
  () => 2 ** 53,
  () => 2 ** 53 + 2,
  () => -(2 ** 63),
  () => 'NaN',
  () => 'Infinity',
  () => '',
  () => ' ',
  () => '1',
  () => '__proto__',
  () => 'constructor',
  () => '\u0000\ufeff\u{1f600}\ud800',
  () => 'x'.repeat(5000),
  () => [],
  () => [[]],
  () => [null],
  () => ({}),
  () => ({ type: 'constructor' }),
  () => ({ toString: 1, valueOf: 2, length: -1, toJSON: 3 }),
  () => JSON.parse('{"__proto__":{"type":"x"},"constructor":1}') as unknown,
  () => nested(200, true),
  () => nested(200, false),
  () => nested(3000, true),
  (rng) => rng.int(1000) - 500,
  (rng) => rng.next() * 10 ** rng.int(40),
  (rng) => Array.from({ length: rng.int(40) }, (_, i) => i),
];

/** Every place in a value: its container and its key. */
function placesOf(value: unknown, limit: number): { holder: Record<string, unknown>; key: string }[] {
  const places: { holder: Record<string, unknown>; key: string }[] = [];
  const open: unknown[] = [value];
  for (let at = 0; at < open.length && places.length < limit; at++) {
    const holder = open[at];
    if (typeof holder !== 'object' || holder === null) continue;
    for (const key of Object.keys(holder)) {
      places.push({ holder: holder as Record<string, unknown>, key });
      open.push((holder as Record<string, unknown>)[key]);
    }
  }
  return places;
}

/** One to three changes somewhere in a copy: a value replaced, removed, doubled, renamed, moved. */
export function mutateJson(value: unknown, rng: Rng): unknown {
  const copy = structuredClone(value);
  for (let changes = 1 + rng.int(3); changes > 0; changes--) {
    const places = placesOf(copy, 4000);
    if (places.length === 0) return pick(rng, ODD)(rng);
    // Half of the time near the top, where the options are.
    const { holder, key } = places[rng.int(rng.next() < 0.5 ? Math.min(places.length, 40) : places.length)] as (typeof places)[number];
    const before = holder[key];
    const kind = rng.int(8);
    if (kind <= 3) holder[key] = pick(rng, ODD)(rng);
    else if (kind === 4) {
      if (Array.isArray(holder)) holder.splice(Number(key), 1);
      else delete holder[key];
    } else if (kind === 5) holder[key] = typeof before === 'number' ? String(before) : typeof before === 'string' ? before.length : [before, before];
    else if (kind === 6) holder[key] = typeof before === 'number' ? before * pick(rng, [-1, 0, 2, 0.5, 1e6, 1e-6]) : typeof before === 'string' ? mutateText(before, rng) : pick(rng, places).holder[pick(rng, places).key];
    else if (Array.isArray(holder)) holder.push(before);
    else Object.defineProperty(holder, pick(rng, ['__proto__', 'constructor', `${key}x`, '', 'type', 'extra']), { value: before, enumerable: true, configurable: true, writable: true });
    // A value that holds itself is nothing that a file can say.
    try {
      JSON.stringify(copy);
    } catch {
      holder[key] = null;
    }
  }
  return JSON.parse(JSON.stringify(copy) ?? 'null') as unknown;
}

/** Cut off, characters changed, doubled, taken out or put in. */
export function mutateText(text: string, rng: Rng): string {
  const at = rng.int(text.length + 1);
  const length = 1 + rng.int(12);
  switch (rng.int(6)) {
    case 0:
      return text.slice(0, at);
    case 1:
      return text.slice(at);
    case 2:
      return text.slice(0, at) + text.slice(at + length);
    case 3:
      return text.slice(0, at) + text.slice(at, at + length).repeat(2 + rng.int(20)) + text.slice(at + length);
    case 4:
      return text.slice(0, at) + pick(rng, ['\u0000', '\ufeff', '{', '}', '[', ']', '"', '\\', ',', ':', '-', '9'.repeat(400), '(', ')*', '+', '%}', '{%', '{{', 'é', '😀', '\ud800', '\n', '__proto__', '[['.repeat(50)]) + text.slice(at);
    default:
      return text.slice(0, at) + String.fromCharCode(rng.int(0x250)) + text.slice(at + 1);
  }
}

/** Cut off, bits turned, stretches overwritten or taken out. */
export function mutateBytes(bytes: Uint8Array, rng: Rng): Uint8Array {
  const at = rng.int(bytes.length + 1);
  const copy = bytes.slice();
  switch (rng.int(5)) {
    case 0:
      return copy.slice(0, at);
    case 1:
      for (let flips = 1 + rng.int(4); flips > 0 && copy.length > 0; flips--) copy[rng.int(copy.length)]! ^= 1 << rng.int(8);
      return copy;
    case 2:
      return copy.fill(pick(rng, [0, 0x20, 0x5b, 0xff]), at, at + rng.int(64));
    case 3: {
      const end = Math.min(bytes.length, at + 1 + rng.int(64));
      const shorter = new Uint8Array(bytes.length - (end - at));
      shorter.set(bytes.subarray(0, at));
      shorter.set(bytes.subarray(end), at);
      return shorter;
    }
    default: {
      // The length of the header, in the first eight bytes of a safetensors file.
      const view = new DataView(copy.buffer);
      if (copy.length >= 8) view.setBigUint64(0, pick(rng, [0n, 1n, 2n, 7n, BigInt(copy.length - 8), BigInt(copy.length), BigInt(rng.int(4096)), 99_999_999n, 100_000_001n, 1n << 32n, 1n << 53n, 1n << 63n, (1n << 64n) - 1n]), true);
      return copy;
    }
  }
}

/** What came of the cases of one kind. */
export interface Tally {
  valid: number;
  refused: number;
}

/**
 * @param body what is tried; returns if the input is valid
 * @param inputBytes size of what came from outside: no single block may be larger than four times that, or 64 kB
 * @throws anything but an EngineError that `body` throws, or what is wrong with its message, with the name of the case
 */
export async function expectHandled(name: string, inputBytes: number, tally: Tally, body: () => unknown): Promise<void> {
  const guard = guardAllocations(Math.max(65_536, 4 * inputBytes));
  try {
    await body();
    tally.valid++;
  } catch (thrown) {
    if (!(thrown instanceof EngineError)) throw new Error(`${name}: not an EngineError but ${thrown instanceof Error ? `${thrown.name}: ${thrown.message.slice(0, 300)}\n${thrown.stack?.split('\n').slice(1, 8).join('\n') ?? ''}` : String(thrown)}`, { cause: thrown });
    if (thrown.code === 'internal' || thrown.message === '' || thrown.message.length > 4000) throw new Error(`${name}: code ${thrown.code}, a message of ${thrown.message.length} characters: ${thrown.message.slice(0, 200)}`, { cause: thrown });
    tally.refused++;
  } finally {
    guard.release();
  }
}
