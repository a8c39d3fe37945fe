/*
 * What a process tells the process that started it, over the IPC channel between them. Without a channel (a container, a shell) this does
 * nothing.
 */

/** Tells the parent process that this one serves, with what it needs to know: `announceReady({ url })`. */
export function announceReady(info: Readonly<Record<string, unknown>>): void {
  announced = true;
  if (process.connected) process.send?.({ type: "ready", ...info });
}

let announced = false;

/** Tells the parent process that this one is about to end, so that it gets no new work while it finishes. */
export function announceLeaving(): void {
  if (announced && process.connected) process.send?.({ type: "leaving" });
}

let bound = false;

/**
 * Ends this process, by SIGTERM, when its parent process ends: a supervisor that is killed cannot stop its children, but its death closes
 * their IPC channels. If the channel has already closed while this process was loading its modules, it ends at once. Call it as soon as the
 * process handles SIGTERM.
 */
export function endWithParent(): void {
  if (bound || process.connected === undefined) return;
  bound = true;
  const end = () => process.kill(process.pid, "SIGTERM");
  if (process.connected) process.once("disconnect", end);
  else end();
}
