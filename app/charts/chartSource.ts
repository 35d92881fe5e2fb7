/**
 * Where a chart gets its numbers: something that can be read at any time and says when it changed.
 * Charts draw from it outside React's render, so that ten updates a second cost no component tree.
 */

export interface ChartSource<T> {
  /** The current value; must keep its identity while nothing changed. */
  read(): T;
  /** @returns a function that ends the subscription */
  subscribe(listener: () => void): () => void;
}

/** A source that never changes. */
export function fixedSource<T>(value: T): ChartSource<T> {
  return { read: () => value, subscribe: () => () => undefined };
}

/** A source that is a function of another one. Computed on read, remembered while the input keeps its identity. */
export function mapSource<A, B>(source: ChartSource<A>, map: (value: A) => B): ChartSource<B> {
  let input: A | undefined;
  let output: B | undefined;
  let known = false;
  return {
    read() {
      const value = source.read();
      if (!known || value !== input) {
        input = value;
        output = map(value);
        known = true;
      }
      return output as B;
    },
    subscribe: (listener) => source.subscribe(listener),
  };
}
