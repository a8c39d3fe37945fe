import { RefusedError, refuse } from "@tapedeck/protocol";
import {
  type Logger,
  onMessage,
  onReconnect,
  type RedisConnection,
  resubscribed,
  subscribe,
  unsubscribe,
} from "@tapedeck/runtime";
import type { Keys, StoredSession } from "@tapedeck/sessions";
import { isNotFound, Watch, type WatchContext } from "./watch.js";

export interface WatchesOptions {
  readonly subscriber: RedisConnection;
  readonly keys: Keys;
  readonly context: WatchContext;
  readonly log: Logger;
}

/** Sessions read again at a time after Redis was away. */
const rereadsAtOnce = 32;

/** The sessions that this node watches, by channel: subscribed while at least one socket, or a socket to be, holds one. */
export class Watches {
  readonly #byChannel = new Map<string, Watch>();
  readonly #subscriber: RedisConnection;
  readonly #options: WatchesOptions;

  constructor(options: WatchesOptions) {
    this.#options = options;
    this.#subscriber = options.subscriber;
    // HOT: once per message.
    onMessage(this.#subscriber, (channel, message) => {
      this.#byChannel.get(channel.toString("latin1"))?.receive(message);
    });
    onReconnect(this.#subscriber, () => void this.#catchUp());
  }

  get size(): number {
    return this.#byChannel.size;
  }

  all(): IterableIterator<Watch> {
    return this.#byChannel.values();
  }

  /**
   * Holds the watch of a session: subscribes first, then lets `open` read (or make) it, so that no change is missed.
   * Rejects with what `open` rejects with. Every hold ends with `leave`.
   */
  async join(id: string, open: () => Promise<StoredSession>): Promise<Watch> {
    const channel = this.#options.keys.sessionChannel(id);
    for (;;) {
      const known = this.#byChannel.get(channel);
      const joins = known !== undefined && !known.gone;
      const watch = joins ? known : this.#add(id, channel, open);
      watch.holds++;
      try {
        await watch.ready;
      } catch (error) {
        this.leave(watch);
        // Whoever came first would not make a session where there is none; this one may.
        if (joins && isNotFound(error)) continue;
        throw error;
      }
      if (!watch.gone) return watch;
      this.leave(watch); // deleted while we waited: the id is made again
    }
  }

  #add(id: string, channel: string, open: () => Promise<StoredSession>): Watch {
    const watch = new Watch(id, channel, this.#options.context);
    this.#byChannel.set(channel, watch);
    watch.ready = this.#begin(watch, open).catch((error) => {
      this.#forget(watch);
      throw error;
    });
    return watch;
  }

  async #begin(watch: Watch, open: () => Promise<StoredSession>): Promise<void> {
    if (this.#subscriber.status !== "ready") throw redisAway();
    await subscribe(this.#subscriber, watch.channel).catch(() => {
      throw redisAway();
    });
    await watch.begin(await open());
  }

  leave(watch: Watch): void {
    if (--watch.holds === 0) this.#forget(watch);
  }

  #forget(watch: Watch): void {
    if (this.#byChannel.get(watch.channel) !== watch) return;
    this.#byChannel.delete(watch.channel);
    watch.left();
    // Without a connection there is nothing to take back; the next one subscribes to what is watched then.
    unsubscribe(this.#subscriber, watch.channel).catch(() => {});
  }

  /** Says for each session with sockets here that it wants its feed, so often. */
  wantFeeds(everyMs: number): void {
    for (const watch of this.#byChannel.values()) if (watch.viewers.size > 0) watch.wantFeed(everyMs);
  }

  /** After a reconnection: subscribes again to all, then reads all again, since anything may have happened meanwhile. */
  async #catchUp(): Promise<void> {
    const watches = [...this.#byChannel.values()];
    try {
      await resubscribed(
        this.#subscriber,
        watches.map(({ channel }) => channel),
      );
    } catch (error) {
      this.#options.log.warn({ err: error }, "not subscribed again"); // the connection broke once more
      return;
    }
    this.#options.log.info({ sessions: watches.length }, "subscribed again");
    const next = watches.values();
    const worker = async (): Promise<void> => {
      for (const watch of next) await watch.reread();
    };
    await Promise.all(Array.from({ length: rereadsAtOnce }, worker));
  }
}

function redisAway(): RefusedError {
  return new RefusedError(refuse("UNAVAILABLE", "Redis cannot be reached at the moment. Nothing was changed."));
}
