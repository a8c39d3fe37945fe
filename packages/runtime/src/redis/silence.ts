import type { Redis } from "ioredis";
import { afterPendingReads, onEachTick, ticksIn } from "./turns.js";

type Watched = Pick<Redis, "commandQueue" | "stream"> & { once(event: "end", listener: () => void): unknown };
/** There is none before the first connection. */
type Stream = Redis["stream"] | undefined;

/**
 * Replaces a connection whose Redis has taken a command and sends nothing for so long. All that waits for an answer fails then, as when a
 * connection is lost. ioredis's own `socketTimeout` sets a timer for each batch of answers, and in a process that was held up it fires
 * although the answers have arrived.
 */
export function reconnectWhenUnresponsive(redis: Watched, ms: number): void {
  const limit = ticksIn(ms);
  let seen = pending(redis);
  let turns = 0;
  const look = (): void => {
    const now = pending(redis);
    turns = isSilent(seen, now) ? turns + 1 : 0;
    seen = now;
    if (turns >= limit) afterPendingReads(() => isSilent(seen, pending(redis)) && replace());
  };
  const replace = (): void => {
    turns = 0;
    redis.stream.destroy(new Error(`Redis sends nothing for ${ms / 1000} s, and has commands to answer`));
  };
  redis.once("end", onEachTick(look));
}

interface Pending {
  /** What is to be answered next. */
  readonly command: object | undefined;
  readonly stream: Stream;
  readonly bytesRead: number | undefined;
}

function pending(redis: Watched): Pending {
  const stream: Stream = redis.stream;
  return { command: redis.commandQueue.peekFront()?.command, stream, bytesRead: stream?.bytesRead };
}

function isSilent(before: Pending, now: Pending): boolean {
  return (
    now.command !== undefined &&
    now.command === before.command &&
    now.stream === before.stream &&
    now.bytesRead === before.bytesRead
  );
}
