/** A pause that lets messages in. Not a timer: hidden tabs slow timers down, and training must not stall there. */

/** Resolves in a new macrotask, after messages that already wait for this thread. */
export function nextMacrotask(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      // An open port would keep a Node process alive.
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
