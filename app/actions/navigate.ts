/** Goes to a station by the address, so that back and forward work. */
import { toHash } from '../store/route.ts';
import type { Station } from '../store/route.ts';

export function navigate(station: Station, ...path: string[]): void {
  location.hash = toHash(station, ...path);
}
