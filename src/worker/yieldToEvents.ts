/**
 * Lets waiting messages in: resolves after the event loop has turned once. Without it a loop of awaits starves the message queue.
 * Not a timer and not requestAnimationFrame: both stall in hidden tabs. A message port does not.
 */

/** Node keeps a process alive for an open port; browsers have no such methods. */
type Port = MessagePort & { ref?: () => void; unref?: () => void };

let waiting: (() => void)[] = [];
let ports: { from: Port; to: Port } | null = null;

function openPorts(): { from: Port; to: Port } {
  const channel = new MessageChannel();
  const from = channel.port1 as Port;
  const to = channel.port2 as Port;
  to.onmessage = () => {
    to.unref?.();
    const ready = waiting;
    waiting = [];
    for (const resolve of ready) resolve();
  };
  to.unref?.();
  return { from, to };
}

/** Resolves in a later task of the event loop. */
export function yieldToEvents(): Promise<void> {
  ports ??= openPorts();
  const { from, to } = ports;
  return new Promise((resolve) => {
    waiting.push(resolve);
    if (waiting.length === 1) {
      to.ref?.();
      from.postMessage(0);
    }
  });
}
