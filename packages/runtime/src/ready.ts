/**
 * Tells the process that started this one that it serves, and with what: `announceReady({ url })`.
 * From then on it also ends with that process, however that one dies. Without an IPC channel (a container, a shell)
 * there is nobody to tell.
 */
export function announceReady(info: Readonly<Record<string, unknown>>): void {
  endWithParent();
  announced = true;
  process.send?.({ type: "ready", ...info });
}

let announced = false;

/** Tells the same process that this one is about to end, so that nothing new is sent here while it finishes what it has. */
export function announceLeaving(): void {
  if (announced && process.connected) process.send?.({ type: "leaving" });
}

let bound = false;

/** A supervisor that is killed cannot tell its children to go; the closed channel does. */
export function endWithParent(): void {
  if (bound || !process.channel) return;
  bound = true;
  process.once("disconnect", () => process.kill(process.pid, "SIGTERM"));
}
