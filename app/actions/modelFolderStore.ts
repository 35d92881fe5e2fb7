/** Keeps the person's own model folder in this browser, so that a reload finds it again. One folder at a time; large ones are not kept. */
import Dexie from 'dexie';

export interface GivenModelFile {
  path: string;
  data: Blob | Uint8Array;
}

/** Copying more than this through IndexedDB on every visit would be slow. Bytes. */
const LARGEST = 256_000_000;

export interface ModelFolderFiles {
  name: string;
  files: GivenModelFile[];
}

class ModelDb extends Dexie {
  folders!: Dexie.Table<{ id: 'own'; folder: ModelFolderFiles }, string>;
  constructor() {
    super('sidestep-model');
    this.version(1).stores({ folders: 'id' });
    // Files were kept as bytes before; now as they were given.
    this.version(2).stores({ folders: 'id' }).upgrade((transaction) => transaction.table('folders').clear());
  }
}

let db: ModelDb | null = null;
const open = () => (db ??= new ModelDb());

const sizeOf = (data: Blob | Uint8Array): number => (data instanceof Blob ? data.size : data.byteLength);

/** @returns false if it is too large or the browser refuses */
export async function saveModelFolder(folder: ModelFolderFiles): Promise<boolean> {
  const sizeBytes = folder.files.reduce((sum, { data }) => sum + sizeOf(data), 0);
  if (sizeBytes > LARGEST) return false;
  try {
    await open().folders.put({ id: 'own', folder });
    return true;
  } catch (thrown) {
    // Quota or a private window: the caller says that the folder must be chosen again.
    if (thrown instanceof Error) return false;
    throw thrown;
  }
}

export async function loadModelFolder(): Promise<ModelFolderFiles | null> {
  return (await open().folders.get('own'))?.folder ?? null;
}

export async function clearModelFolder(): Promise<void> {
  await open().folders.clear();
}
