/**
 * Makes a WebAssembly binary use shared memory: tfjs ships its single-threaded SIMD build with a memory of its own that no other thread
 * can see, and one bit of the binary says so. Code without atomics is the same for both, so our own kernels need no second build either.
 */
import { EngineError } from '../../base/errors.ts';

const importSection = 2;
const memorySection = 5;
const magic = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
/** Limits of a memory: with a maximum; and with a maximum and shared. Shared memory must have one. */
const withMaximum = 0x01;
const sharedWithMaximum = 0x03;

const unexpected = (what: string): EngineError => new EngineError('internal', `The WebAssembly binary is not as expected (${what}), so its memory cannot be shared.`);

/** Reads the numbers of a binary from front to back. */
class BinaryReader {
  at = 0;

  constructor(private readonly bytes: Uint8Array) {}

  byte(): number {
    const value = this.bytes[this.at++];
    if (value === undefined) throw unexpected('it ends early');
    return value;
  }

  /** An unsigned LEB128 number of up to 32 bits. */
  number(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
    throw unexpected('a number is too long');
  }

  name(): void {
    const length = this.number();
    this.at += length;
  }

  limits(): void {
    const flags = this.byte();
    this.number();
    if (flags & 1) this.number();
  }
}

/** Where the flags of the memories in the import section are. */
function importedMemories(reader: BinaryReader): number[] {
  const found: number[] = [];
  for (let count = reader.number(); count > 0; count--) {
    reader.name();
    reader.name();
    const kind = reader.byte();
    if (kind === 0) reader.number();
    else if (kind === 1) {
      reader.byte();
      reader.limits();
    } else if (kind === 2) {
      found.push(reader.at);
      reader.limits();
    } else if (kind === 3) reader.at += 2;
    else throw unexpected(`import of kind ${kind}`);
  }
  return found;
}

function ownMemories(reader: BinaryReader): number[] {
  const found: number[] = [];
  for (let count = reader.number(); count > 0; count--) {
    found.push(reader.at);
    reader.limits();
  }
  return found;
}

/**
 * A copy of a WebAssembly binary whose one memory, imported or its own, is shared.
 * @throws EngineError internal unless the binary has exactly one memory, with a maximum and not shared yet
 */
export function withSharedMemory(binary: Uint8Array): Uint8Array<ArrayBuffer> {
  if (magic.some((byte, i) => binary[i] !== byte)) throw unexpected('it does not begin like one');
  const reader = new BinaryReader(binary);
  reader.at = magic.length;
  const memories: number[] = [];
  while (reader.at < binary.length) {
    const id = reader.byte();
    const sizeBytes = reader.number();
    const end = reader.at + sizeBytes;
    if (id === importSection || id === memorySection) {
      memories.push(...(id === importSection ? importedMemories(reader) : ownMemories(reader)));
      if (reader.at !== end) throw unexpected(`section ${id} has another length`);
    }
    reader.at = end;
  }
  const [flagsAt] = memories;
  if (memories.length !== 1 || flagsAt === undefined) throw unexpected(`${memories.length} memories`);
  if (binary[flagsAt] !== withMaximum) throw unexpected(`memory limits of kind ${binary[flagsAt]}`);
  const shared = new Uint8Array(binary);
  shared[flagsAt] = sharedWithMaximum;
  if (!WebAssembly.validate(shared)) throw unexpected('this machine does not take it with shared memory');
  return shared;
}
