/**
 * Tells the process that started this one that it serves, and with what: `announceReady({ url })`.
 * From then on it also ends with that process, however that one dies. Without an IPC channel (a container, a shell)
 * there is nobody to tell.
 */
export function announceReady(info: Readonly<Record<string, unknown>>): void {
  endWithParent();
  process.send?.({ type: "ready", ...info });
}

let bound = false;

/** A supervisor that is killed cannot tell its children to go; the closed channel does. */
export function endWithParent(): void {
  if (bound || !process.channel) return;
  bound = true;
  process.once("disconnect", () => process.kill(process.pid, "SIGTERM"));
}
