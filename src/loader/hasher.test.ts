import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createGitBlobHasher, createHasher, createPortableHasher } from './hasher.ts';

const bytes = Uint8Array.from({ length: 100_003 }, (_, i) => (i * 31 + (i >> 7)) & 255);

describe('a growing hash', () => {
  it.each(['sha1', 'sha256'] as const)('is the %s of all pieces joined, with the portable and with the fast code', (algorithm) => {
    const expected = createHash(algorithm).update(bytes).digest('hex');
    for (const hasher of [createHasher(algorithm), createPortableHasher(algorithm)]) {
      for (const [begin, end] of [[0, 1], [1, 64], [64, 64], [64, 70_001], [70_001, bytes.length]]) hasher.update(bytes.subarray(begin, end));
      expect(hasher.digest()).toBe(expected);
    }
  });

  it('names a git blob as git does', () => {
    const hasher = createGitBlobHasher(6);
    hasher.update(new TextEncoder().encode('hello\n'));
    expect(hasher.digest()).toBe('ce013625030ba8dba906f756967f9e9ca394464a');
  });
});
