/**
 * How often connections look at what they wait for. They count such turns and not the time on a clock: while a process is held up, by
 * SIGSTOP or a starved machine, answers lie in its sockets unread, and when it goes on its timers run before its sockets are read.
 */
export const tickMs = 250;

export function ticksIn(ms: number): number {
  return Math.ceil(ms / tickMs);
}

/** Calls `look` once in each turn until the returned function is called. It does not keep the process alive. */
export function onEachTick(look: () => void): () => void {
  const timer = setInterval(look, tickMs).unref();
  return () => clearInterval(timer);
}

/** Calls `judge` when all that the sockets hold now has been read: what was late a moment ago may have been answered. */
export function afterPendingReads(judge: () => void): void {
  setImmediate(judge);
}

/** What `run` resolves to, or an error after about so long, in turns. */
export async function withTimeout<T>(ms: number, run: () => Promise<T>): Promise<T> {
  let stop = (): void => {};
  const late = new Promise<never>((_, reject) => {
    let left = ticksIn(ms);
    stop = onEachTick(() => {
      if (--left === 0) afterPendingReads(() => reject(new Error(`no answer within ${ms / 1000} s`)));
    });
  });
  try {
    return await Promise.race([run(), late]);
  } finally {
    stop();
  }
}
