/** Refuses large blocks of memory while it is on, whoever asks: for tests that a file cannot make the engine allocate more than it holds. */

type Constructor = new (...args: unknown[]) => object;
const NAMES = ['ArrayBuffer', 'SharedArrayBuffer', 'Uint8Array', 'Int8Array', 'Uint8ClampedArray', 'Uint16Array', 'Int16Array', 'Uint32Array', 'Int32Array', 'Float32Array', 'Float64Array', 'BigInt64Array', 'BigUint64Array', 'Array'] as const;

export interface AllocationGuard {
  release(): void;
}

/**
 * Until released, `new ArrayBuffer(n)`, `new Float32Array(n)` … and `new Array(n)`, `Array.from({length: n})` throw for blocks above the limit.
 * Holes: what the platform allocates by itself (TextDecoder, JSON.parse), which the size of its input bounds.
 */
export function guardAllocations(limitBytes: number): AllocationGuard {
  const originals = new Map<string, Constructor>();
  const froms: (() => void)[] = [];
  const check = (what: string, length: unknown, width: number): void => {
    if (typeof length === 'number' && length * width > limitBytes) throw new Error(`allocation guard: ${what} of ${length} values (${length * width} bytes) is more than ${limitBytes} bytes`);
  };
  const target = globalThis as unknown as Record<string, Constructor>;
  for (const name of NAMES) {
    const original = target[name] as Constructor & { BYTES_PER_ELEMENT?: number };
    originals.set(name, original);
    const width = name === 'Array' ? 8 : (original.BYTES_PER_ELEMENT ?? 1);
    const makers = original as unknown as { from?: (source: { length?: unknown } | null, ...rest: unknown[]) => unknown };
    if (Object.hasOwn(original, 'from')) {
      const from = makers.from as NonNullable<typeof makers.from>;
      froms.push(() => (makers.from = from));
      makers.from = function (this: unknown, source, ...rest) {
        check(`${name}.from`, source?.length, width);
        return from.call(this, source, ...rest);
      };
    }
    target[name] = new Proxy(original, {
      construct(made, args: unknown[], newTarget) {
        const first = args[0];
        if (args.length === 1 || name !== 'Array') check(name, typeof first === 'number' ? first : ArrayBuffer.isView(first) || Array.isArray(first) ? (first as { length?: number }).length : undefined, width);
        return Reflect.construct(made, args, newTarget as never) as object;
      },
    });
  }
  const typed = Object.getPrototypeOf(originals.get('Int8Array')) as { from(this: { BYTES_PER_ELEMENT: number }, source: { length?: unknown } | null, ...rest: unknown[]): unknown };
  const typedFrom = typed.from;
  froms.push(() => (typed.from = typedFrom));
  typed.from = function (source, ...rest) {
    check('from', source?.length, this.BYTES_PER_ELEMENT);
    return typedFrom.call(this, source, ...rest);
  };
  return {
    release() {
      for (const [name, original] of originals) target[name] = original;
      for (const restore of froms) restore();
    },
  };
}
