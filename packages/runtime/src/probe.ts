import type { Redis } from "ioredis";
import { interval } from "./interval.js";
import type { Logger } from "./logger.js";

export interface ProbeOptions {
  readonly publisher: Redis;
  readonly subscriber: Redis;
  /** A channel of this process alone. */
  readonly channel: string;
  readonly intervalMs: number;
  readonly log: Logger;
}

export interface Probe {
  /** Whether a message of our own came back through Redis in the last `ms` milliseconds. */
  heardWithin(ms: number): boolean;
  stop(): void;
}

/** Rounds of silence, each with a publish that Redis accepted, after which the subscriber is connected anew. */
const deafAfter = 4;

/**
 * Publishes to itself through Redis, on the connections that frames travel on: a subscriber that was left on a dead master,
 * or whose packets vanish, looks connected to every other check. A deaf one is made to reconnect.
 */
export function startProbe({ publisher, subscriber, channel, intervalMs, log }: ProbeOptions): Probe {
  const own = Buffer.from(channel);
  let heardAt = Number.NEGATIVE_INFINITY;
  let unanswered = 0;

  // HOT: called for every frame that the subscriber gets. `messageBuffer`, since a listener for `message` would make
  // ioredis turn each frame into a string.
  const hear = (from: Buffer): void => {
    if (from.length !== own.length || !own.equals(from)) return;
    heardAt = performance.now();
    unanswered = 0;
  };
  subscriber.on("messageBuffer", hear);
  subscriber.subscribe(channel).catch(() => {}); // only when the connection is closed for good

  const knock = async (): Promise<void> => {
    await publisher.publish(channel, "probe");
    unanswered++;
    if (unanswered < deafAfter) return;
    log.warn({ forMs: Math.round(performance.now() - heardAt) }, "deaf: Redis accepts messages and none comes back");
    unanswered = 0;
    subscriber.disconnect(true);
  };
  const stopKnocking = interval(() => void knock().catch(() => {}), intervalMs); // the connection logs its errors
  void knock().catch(() => {});

  return {
    heardWithin: (ms) => performance.now() - heardAt <= ms,
    stop() {
      stopKnocking();
      subscriber.off("messageBuffer", hear);
      subscriber.unsubscribe(channel).catch(() => {}); // it ends with the connection at the latest
    },
  };
}
