/**
 * Tells the process that started this one that it serves, and with what: `announceReady({ url })`.
 * Without an IPC channel (a container, a shell) there is nobody to tell.
 */
export function announceReady(info: Readonly<Record<string, unknown>>): void {
  announced = true;
  if (process.connected) process.send?.({ type: "ready", ...info });
}

let announced = false;

/** Tells the same process that this one is about to end, so that nothing new is sent here while it finishes what it has. */
export function announceLeaving(): void {
  if (announced && process.connected) process.send?.({ type: "leaving" });
}

let bound = false;

/**
 * Ends this process, by SIGTERM, with the process that started it: a supervisor that is killed cannot tell its children to end, but
 * its death closes their IPC channels. A channel may close while this process still loads its modules, before anything can listen:
 * then it ends here and now. Call it as soon as the process can answer SIGTERM. Without an IPC channel it does nothing.
 */
export function endWithParent(): void {
  if (bound || process.connected === undefined) return;
  bound = true;
  const end = () => process.kill(process.pid, "SIGTERM");
  if (process.connected) process.once("disconnect", end);
  else end();
}
