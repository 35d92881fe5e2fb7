/** A lock between processes: a file that holds the id of the process that made it. One left by a crash is taken over. */
import { mkdir, open, readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { inUse } from '../src/loader/rangeStore.ts';

function isRunning(processId: number): boolean {
  try {
    process.kill(processId, 0); // asks only
    return true;
  } catch (thrown) {
    return (thrown as { code?: string }).code === 'EPERM';
  }
}

/** @param path of the lock file @param name for the error @throws EngineError busy */
export async function withLockFile<T>(path: string, name: string, body: () => Promise<T>): Promise<T> {
  await mkdir(dirname(path), { recursive: true });
  for (let attempt = 0; ; attempt++) {
    try {
      const file = await open(path, 'wx');
      await file.writeFile(String(process.pid));
      await file.close();
      break;
    } catch (thrown) {
      if ((thrown as { code?: string }).code !== 'EEXIST') throw thrown;
      const owner = Number(await readFile(path, 'utf8').catch(() => ''));
      if (attempt > 0 || (owner > 0 && isRunning(owner))) throw inUse(name);
      await rm(path, { force: true });
    }
  }
  try {
    return await body();
  } finally {
    await rm(path, { force: true });
  }
}
