import { RefusedError, refuse } from "@tapedeck/protocol";
import {
  type Logger,
  onMessage,
  onReconnect,
  type RedisConnection,
  subscribe,
  unsubscribe,
  untilResubscribed,
} from "@tapedeck/runtime";
import { isSessionNotFound, type Keys, type StoredSession } from "@tapedeck/sessions";
import pLimit from "p-limit";
import { SessionSubscription } from "./subscription.js";
import type { SubscriptionContext } from "./subscription-context.js";

interface SessionSubscriptionsOptions {
  readonly subscriber: RedisConnection;
  readonly keys: Keys;
  readonly context: SubscriptionContext;
  readonly log: Logger;
}

/** How many sessions are read again at the same time after Redis was away. */
const concurrentRereads = 32;

/** The node's subscriptions by channel. One exists while at least one socket, or an upgrade under way, refers to it. */
export class SessionSubscriptions {
  readonly #byChannel = new Map<string, SessionSubscription>();
  readonly #subscriber: RedisConnection;
  readonly #options: SessionSubscriptionsOptions;

  constructor(options: SessionSubscriptionsOptions) {
    this.#options = options;
    this.#subscriber = options.subscriber;
    // HOT: once per message.
    onMessage(this.#subscriber, (channel, message) => {
      this.#byChannel.get(channel.toString("latin1"))?.receive(message);
    });
    onReconnect(this.#subscriber, () => void this.#resubscribe());
  }

  get size(): number {
    return this.#byChannel.size;
  }

  all(): Iterable<SessionSubscription> {
    return this.#byChannel.values();
  }

  /**
   * Takes a reference to the subscription of a session. A new subscription subscribes first and then lets `open` read or create the
   * session, so that no change is missed. Rejects with what `open` rejects with. `release` gives the reference back.
   */
  async acquire(id: string, open: () => Promise<StoredSession>): Promise<SessionSubscription> {
    const channel = this.#options.keys.sessionChannel(id);
    for (;;) {
      const known = this.#byChannel.get(channel);
      const joins = known !== undefined && !known.ended;
      const subscription = joins ? known : this.#add(id, channel, open);
      subscription.references++;
      try {
        await subscription.ready;
      } catch (error) {
        this.release(subscription);
        // The `open` of the first socket only reads a session; this one may create it.
        if (joins && isSessionNotFound(error)) continue;
        throw error;
      }
      if (!subscription.ended) return subscription;
      this.release(subscription); // deleted while we waited: the id is created again
    }
  }

  #add(id: string, channel: string, open: () => Promise<StoredSession>): SessionSubscription {
    const subscription = new SessionSubscription(id, channel, this.#options.context);
    this.#byChannel.set(channel, subscription);
    subscription.ready = this.#initialize(subscription, open).catch((error) => {
      this.#remove(subscription);
      throw error;
    });
    return subscription;
  }

  async #initialize(subscription: SessionSubscription, open: () => Promise<StoredSession>): Promise<void> {
    if (this.#subscriber.status !== "ready") throw redisUnavailable();
    await subscribe(this.#subscriber, subscription.channel).catch(() => {
      throw redisUnavailable();
    });
    await subscription.initialize(await open());
  }

  release(subscription: SessionSubscription): void {
    if (--subscription.references === 0) this.#remove(subscription);
  }

  #remove(subscription: SessionSubscription): void {
    if (this.#byChannel.get(subscription.channel) !== subscription) return;
    this.#byChannel.delete(subscription.channel);
    subscription.close();
    // Fails only without a connection; the next connection does not subscribe to this channel.
    unsubscribe(this.#subscriber, subscription.channel).catch(() => {});
  }

  /** Closes readers that have stalled, and renews the places of others. */
  checkReaders(): void {
    const now = performance.now();
    for (const { pacing } of this.#byChannel.values()) pacing.check(now);
  }

  /** Repeats the requests for feeds of sessions with sockets here, if they are this old. */
  renewFeedDemands(everyMs: number): void {
    for (const subscription of this.#byChannel.values()) {
      if (subscription.subscribers.size > 0) subscription.renewFeedDemand(everyMs);
    }
  }

  /** After a reconnection: subscribes to all channels again, then reads all sessions, which may have changed meanwhile. */
  async #resubscribe(): Promise<void> {
    const subscriptions = [...this.#byChannel.values()];
    const interruptions = subscriptions.map((subscription) => subscription.interruptions.begin());
    try {
      await untilResubscribed(
        this.#subscriber,
        subscriptions.map(({ channel }) => channel),
      );
    } catch (error) {
      // The connection broke again: the next reconnection does the same.
      this.#options.log.warn(
        { err: error },
        "not subscribed again; sessions get no frames until the next reconnection",
      );
      return;
    }
    this.#options.log.info({ sessions: subscriptions.length }, "subscribed again");
    const limit = pLimit(concurrentRereads);
    await Promise.all(
      subscriptions.map((subscription, at) => limit(() => subscription.readAfter(interruptions[at] ?? 0))),
    );
  }
}

function redisUnavailable(): RefusedError {
  return new RefusedError(refuse("UNAVAILABLE", "Redis cannot be reached at the moment. Nothing was changed."));
}
