/**
 * Hashes that grow with the bytes: a weights file is never in memory as a whole, and WebCrypto hashes whole buffers only.
 * Not for short bytes that are there already (crypto.subtle does those).
 */
import { sha1 } from '@noble/hashes/legacy.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { nodeBuiltin } from '../base/nodeBuiltin.ts';

export interface Hasher {
  /** @param bytes borrowed */
  update(bytes: Uint8Array): void;
  /** Hex; ends the hasher. */
  digest(): string;
}

type Algorithm = 'sha1' | 'sha256';
/** The part of node:crypto that is used. */
interface NodeCrypto {
  createHash(algorithm: Algorithm): { update(bytes: Uint8Array): void; digest(encoding: 'hex'): string };
}

const toHex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

/** The one for browsers (about 120 MB/s a core). */
export function createPortableHasher(algorithm: Algorithm): Hasher {
  const hash = algorithm === 'sha256' ? sha256.create() : sha1.create();
  return { update: (bytes) => void hash.update(bytes), digest: () => toHex(hash.digest()) };
}

/** The fastest one here: Node's own is about ten times as fast. */
export function createHasher(algorithm: Algorithm): Hasher {
  const hash = nodeBuiltin<NodeCrypto>('node:crypto')?.createHash(algorithm);
  return hash ? { update: (bytes) => hash.update(bytes), digest: () => hash.digest('hex') } : createPortableHasher(algorithm);
}

/** A hasher of a git blob, whose name git takes from a header and the content. @param sizeBytes of the whole file */
export function createGitBlobHasher(sizeBytes: number): Hasher {
  const hasher = createHasher('sha1');
  hasher.update(new TextEncoder().encode(`blob ${sizeBytes}\0`));
  return hasher;
}
