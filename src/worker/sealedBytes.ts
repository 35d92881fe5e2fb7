/**
 * An envelope for stored bytes: magic, version, length and CRC-32, so that a damaged file is known as such when it is read.
 * Not for secrecy, and not against tampering.
 */
import { EngineError } from '../base/errors.ts';

const MAGIC = 0x53444553; // "SEDS", little-endian
const VERSION = 1;
const HEADER_BYTES = 16;

const crcTable = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let bit = 0; bit < 8; bit++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c >>> 0;
});

/** CRC-32 (IEEE 802.3) of the bytes. */
export function crc32(bytes: Uint8Array): number {
  let c = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) c = (crcTable[(c ^ (bytes[i] as number)) & 255] as number) ^ (c >>> 8);
  return (c ^ 0xffffffff) >>> 0;
}

/** @param payload borrowed @returns a copy with its header, owned by the caller */
export function sealBytes(payload: Uint8Array): Uint8Array {
  const sealed = new Uint8Array(HEADER_BYTES + payload.length);
  const view = new DataView(sealed.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, VERSION, true);
  view.setUint32(8, payload.length, true);
  view.setUint32(12, crc32(payload), true);
  sealed.set(payload, HEADER_BYTES);
  return sealed;
}

/**
 * The payload of sealed bytes: a copy, so that typed arrays on it are aligned.
 * @throws EngineError bad-file naming `path` if anything is not as it was written
 */
export function unsealBytes(sealed: Uint8Array, path: string): Uint8Array {
  const bad = (why: string) => new EngineError('bad-file', `${path} is damaged (${why}).`);
  if (sealed.length < HEADER_BYTES) throw bad('too short');
  const view = new DataView(sealed.buffer, sealed.byteOffset, sealed.byteLength);
  if (view.getUint32(0, true) !== MAGIC) throw bad('not a saved state');
  const version = view.getUint32(4, true);
  if (version !== VERSION) throw new EngineError('bad-file', `${path} was written by another version (format ${version}, this one reads ${VERSION}).`);
  if (view.getUint32(8, true) !== sealed.length - HEADER_BYTES) throw bad('cut off');
  const payload = sealed.slice(HEADER_BYTES);
  if (view.getUint32(12, true) !== crc32(payload)) throw bad('its checksum does not match');
  return payload;
}
