/**
 * One tab at a time: two tabs would overwrite each other's project and run files. Held as a Web Lock, which the browser frees with the tab.
 * Browsers without Web Locks are let in: they are older than anything that runs the engine.
 */

const NAME = 'sidestep-studio';

/**
 * Tries to be the one tab.
 * @param steal takes the place of the tab that has it
 * @param onLost called when another tab takes it away later
 * @returns whether this tab has it
 */
export function takeTab(steal: boolean, onLost: () => void): Promise<boolean> {
  if (!('locks' in navigator)) return Promise.resolve(true);
  return new Promise((resolve) => {
    let held = false;
    navigator.locks
      .request(NAME, steal ? { steal: true } : { ifAvailable: true }, (lock) => {
        held = lock !== null;
        resolve(held);
        // Held until the tab goes or another one steals it.
        return lock ? new Promise<never>(() => undefined) : undefined;
      })
      .catch(() => {
        // The only rejection of a lock that is held for ever: stolen.
        if (held) onLost();
        else resolve(false);
      });
  });
}
