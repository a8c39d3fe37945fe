import { Cluster } from "ioredis";
import type { Health } from "../node/health.js";
import type { Logger } from "../observability/logger.js";
import { interval } from "../time/timers.js";
import { masterOf, oneNamePerMaster, type RedisConnection } from "./connection.js";
import { onMessage, publish, subscribe, unsubscribe } from "./pubsub.js";

interface PubSubProbeOptions {
  readonly publisher: RedisConnection;
  readonly subscriber: RedisConnection;
  /** A channel of this process alone, with a hash tag: `...{TAG}`. On a Cluster also `...{TAG~N}`, one per master. */
  readonly channel: string;
  readonly intervalMs: number;
  readonly log: Logger;
}

export interface PubSubProbe {
  /**
   * Whether one of our own messages came back through Redis in the last `ms` milliseconds; on a Cluster through at least one master, and
   * through each master that accepts messages.
   */
  receivedWithin(ms: number): boolean;
  /** Masters, as `masterOf` names them, through which messages came back before, but none in the last `ms` milliseconds. */
  silentMasters(ms: number): ReadonlySet<string | undefined>;
  /** Whether Redis, or a master of a Cluster, did not accept the last message. */
  readonly publishRefused: boolean;
  /** Sends an echo through Redis, on a Cluster through each master. */
  echo(): void;
  /**
   * When the newest message that came back was sent, on the monotonic clock, through the master of a channel or key. What was published
   * there before that has arrived here. Undefined if none has come back.
   */
  echoedAt(key: string): number | undefined;
  stop(): void;
}

interface ProbeChannel {
  readonly name: Buffer;
  receivedAt: number;
  /** When the newest received message was sent; undefined before the first. */
  echoedAt: number | undefined;
  /** Messages in a row that Redis accepted and did not deliver. */
  undelivered: number;
  /** Redis did not accept the last message: it is away, which says nothing about delivery. */
  refused: boolean;
}

/** The subscriber is reconnected after this many undelivered messages in a row. */
const maxUndelivered = 4;

/**
 * Publishes to itself through Redis, on the connections that frames use: a subscriber that was left on a dead master, or whose packets are
 * lost, looks connected to every other check. A subscriber that receives nothing is reconnected.
 */
export function startPubSubProbe(options: PubSubProbeOptions): PubSubProbe {
  const { publisher, subscriber, channel, intervalMs, log } = options;
  const channels = new Map<string, ProbeChannel>();
  let current: readonly ProbeChannel[] = [];

  // HOT: called for every frame that the subscriber receives.
  const onAnyMessage = (from: Buffer, message: Buffer): void => {
    for (const each of current) {
      if (from.length !== each.name.length || !each.name.equals(from)) continue;
      each.receivedAt = performance.now();
      each.echoedAt = Number(message.toString("latin1"));
      each.undelivered = 0;
    }
  };
  const stopListening = onMessage(subscriber, onAnyMessage);

  const add = (name: string): void => {
    // A master that was added later counts as delivering until it fails to.
    const receivedAt = channels.size === 0 ? Number.NEGATIVE_INFINITY : performance.now();
    const fresh = { receivedAt, echoedAt: undefined, undelivered: 0, refused: false };
    channels.set(name, { name: Buffer.from(name), ...fresh });
    subscribe(subscriber, name).catch(() => remove(name)); // the next round tries again
  };
  const remove = (name: string): void => {
    channels.delete(name);
    unsubscribe(subscriber, name).catch(() => {}); // it ends with the connection at the latest
  };
  const updateChannels = (): void => {
    const names = subscriber instanceof Cluster ? oneNamePerMaster(subscriber, (n) => nth(channel, n)) : [channel];
    for (const name of channels.keys()) if (!names.includes(name)) remove(name);
    for (const name of names) if (!channels.has(name)) add(name);
    current = [...channels.values()];
  };

  const probe = async (name: string, each: ProbeChannel): Promise<void> => {
    try {
      await publish(publisher, name, String(performance.now()));
    } catch {
      each.refused = true; // the connection logs its errors
      return;
    }
    each.refused = false;
    each.undelivered++;
    if (each.undelivered < maxUndelivered) return;
    const forMs = Math.round(performance.now() - each.receivedAt);
    log.warn({ forMs }, "Redis accepts messages but delivers none to this node; reconnecting the subscriber");
    for (const other of current) other.undelivered = 0;
    subscriber.disconnect(true);
  };
  const round = (): void => {
    updateChannels();
    for (const [name, each] of channels) void probe(name, each);
  };
  const stopProbing = interval(round, intervalMs);
  round();

  return {
    receivedWithin(ms) {
      const now = performance.now();
      const isReceived = ({ receivedAt }: ProbeChannel): boolean => now - receivedAt <= ms;
      return current.some(isReceived) && current.every((each) => isReceived(each) || each.refused);
    },
    silentMasters(ms) {
      const last = performance.now() - ms;
      const silent = current.filter(({ receivedAt }) => receivedAt > Number.NEGATIVE_INFINITY && receivedAt < last);
      return new Set(silent.map(({ name }) => masterOf(subscriber, name.toString())));
    },
    get publishRefused() {
      return current.some((each) => each.refused);
    },
    echo() {
      const sentAt = String(performance.now());
      for (const { name } of current) publish(publisher, name.toString("latin1"), sentAt).catch(() => {}); // no echo comes back
    },
    echoedAt(key) {
      const master = masterOf(subscriber, key);
      return current.find(({ name }) => masterOf(subscriber, name.toString("latin1")) === master)?.echoedAt;
    },
    stop() {
      stopProbing();
      stopListening();
      current = [];
      for (const name of [...channels.keys()]) remove(name);
    },
  };
}

/**
 * Sets the parts `masters` and `pubsub` of a node's health. While Redis is away, it is away for every replica, and nothing is reported
 * here. A node whose subscriber alone receives nothing is unready: another replica may receive the messages.
 *
 * @param commands the connection that tells whether Redis is away
 * @param timeoutMs how long none of the probe's messages may come back
 */
export function reportPubSubHealth(
  probe: PubSubProbe,
  health: Health,
  {
    commands,
    publisher,
    timeoutMs,
  }: { readonly commands: RedisConnection; readonly publisher: RedisConnection; readonly timeoutMs: number },
): void {
  const connected = commands.status === "ready";
  const refused = connected && probe.publishRefused;
  health.set(
    "masters",
    refused ? "degraded" : "ok",
    "a part of Redis does not answer; sessions stored there stand still",
  );
  const undelivered = connected && publisher.status === "ready" && !probe.receivedWithin(timeoutMs);
  health.set("pubsub", undelivered ? "unready" : "ok", "Redis does not deliver this node's messages");
}

/** The name with a number in its hash tag, so that it is in another slot. */
function nth(channel: string, n: number): string {
  return n === 0 ? channel : channel.replace(/\}$/, `~${n}}`);
}
