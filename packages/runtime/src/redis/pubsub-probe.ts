import { Cluster } from "ioredis";
import type { Logger } from "../observability/logger.js";
import { interval } from "../time/interval.js";
import type { RedisConnection } from "./connect.js";
import { oneNamePerMaster } from "./connect-cluster.js";
import { onMessage, publish, subscribe, unsubscribe } from "./pubsub.js";

export interface PubSubProbeOptions {
  readonly publisher: RedisConnection;
  readonly subscriber: RedisConnection;
  /** A channel of this process alone, with a hash tag: `...{TAG}`. On a Cluster `...{TAG~N}` too, one on each master. */
  readonly channel: string;
  readonly intervalMs: number;
  readonly log: Logger;
}

export interface PubSubProbe {
  /**
   * Whether a message of our own came back through Redis in the last `ms` milliseconds; on a Cluster, through each master that
   * takes them, and at least one.
   */
  receivedWithin(ms: number): boolean;
  /** Whether Redis, or a master of a Cluster, has not accepted the last message. */
  readonly publishRefused: boolean;
  stop(): void;
}

interface Echo {
  readonly channel: Buffer;
  heardAt: number;
  /** Rounds of silence, each with a publish that Redis accepted. */
  unanswered: number;
  /** Redis did not accept the last one: it is away, which is another matter. */
  refused: boolean;
}

/** Rounds of silence after which the subscriber is connected anew. */
const deafAfter = 4;

/**
 * Publishes to itself through Redis, on the connections that frames travel on: a subscriber that was left on a dead master,
 * or whose packets vanish, looks connected to every other check. A deaf one is made to reconnect.
 */
export function startPubSubProbe({ publisher, subscriber, channel, intervalMs, log }: PubSubProbeOptions): PubSubProbe {
  const echoes = new Map<string, Echo>();
  let own: readonly Echo[] = [];

  // HOT: called for every frame that the subscriber gets.
  const hear = (from: Buffer): void => {
    for (const echo of own) {
      if (from.length !== echo.channel.length || !echo.channel.equals(from)) continue;
      echo.heardAt = performance.now();
      echo.unanswered = 0;
    }
  };
  const stopHearing = onMessage(subscriber, hear);

  const listen = (name: string): void => {
    // A master that has just come has the benefit of the doubt.
    const heardAt = echoes.size === 0 ? Number.NEGATIVE_INFINITY : performance.now();
    echoes.set(name, { channel: Buffer.from(name), heardAt, unanswered: 0, refused: false });
    subscribe(subscriber, name).catch(() => forget(name)); // the next round tries again
  };
  const forget = (name: string): void => {
    echoes.delete(name);
    unsubscribe(subscriber, name).catch(() => {}); // it ends with the connection at the latest
  };
  const look = (): void => {
    const names = subscriber instanceof Cluster ? oneNamePerMaster(subscriber, (n) => nth(channel, n)) : [channel];
    for (const name of echoes.keys()) if (!names.includes(name)) forget(name);
    for (const name of names) if (!echoes.has(name)) listen(name);
    own = [...echoes.values()];
  };

  const knock = async (name: string, echo: Echo): Promise<void> => {
    try {
      await publish(publisher, name, "probe");
    } catch {
      echo.refused = true; // the connection logs its errors
      return;
    }
    echo.refused = false;
    echo.unanswered++;
    if (echo.unanswered < deafAfter) return;
    log.warn(
      { forMs: Math.round(performance.now() - echo.heardAt) },
      "deaf: Redis accepts messages and none comes back",
    );
    for (const each of own) each.unanswered = 0;
    subscriber.disconnect(true);
  };
  const round = (): void => {
    look();
    for (const [name, echo] of echoes) void knock(name, echo);
  };
  const stopKnocking = interval(round, intervalMs);
  round();

  return {
    receivedWithin(ms) {
      const now = performance.now();
      const isHeard = ({ heardAt }: Echo): boolean => now - heardAt <= ms;
      return own.some(isHeard) && own.every((echo) => isHeard(echo) || echo.refused);
    },
    get publishRefused() {
      return own.some((echo) => echo.refused);
    },
    stop() {
      stopKnocking();
      stopHearing();
      own = [];
      for (const name of [...echoes.keys()]) forget(name);
    },
  };
}

/** The name with a number in its hash tag, so that another slot has it. */
function nth(channel: string, n: number): string {
  return n === 0 ? channel : channel.replace(/\}$/, `~${n}}`);
}
