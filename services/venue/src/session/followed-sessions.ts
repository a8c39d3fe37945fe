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
import type { Keys } from "@tapedeck/sessions";
import pLimit from "p-limit";
import { type FollowContext, FollowedSession, type SessionOwner } from "./followed-session.js";

/** How many sessions are read again at the same time after Redis was away. */
const concurrentRereads = 32;

interface FollowedSessionsOptions {
  readonly subscriber: RedisConnection;
  readonly keys: Keys;
  readonly context: FollowContext;
  readonly log: Logger;
}

/** The sessions that this node follows, by channel. */
export class FollowedSessions {
  readonly #options: FollowedSessionsOptions;
  readonly #byChannel = new Map<string, FollowedSession>();

  constructor(options: FollowedSessionsOptions) {
    this.#options = options;
    // HOT: once per message.
    onMessage(options.subscriber, (channel, message) => {
      this.#byChannel.get(channel.toString("latin1"))?.receive(message);
    });
    onReconnect(options.subscriber, () => void this.#resubscribe());
  }

  /** Follows a session; no other owner may follow it already. Rejects with `SESSION_NOT_FOUND` and `UNAVAILABLE`. */
  async follow(id: string, owner: SessionOwner): Promise<FollowedSession> {
    const { subscriber, keys, context } = this.#options;
    const channel = keys.sessionChannel(id);
    const session = new FollowedSession(id, channel, owner, context);
    this.#byChannel.set(channel, session);
    try {
      if (subscriber.status !== "ready") throw redisUnavailable();
      await subscribe(subscriber, channel).catch(() => {
        throw redisUnavailable();
      });
      await session.open(); // after the subscription, so that no change is missed
      return session;
    } catch (error) {
      this.unfollow(session);
      throw error;
    }
  }

  unfollow(session: FollowedSession): void {
    if (this.#byChannel.get(session.channel) !== session) return;
    this.#byChannel.delete(session.channel);
    // Fails only without a connection; the next connection does not subscribe to this channel.
    unsubscribe(this.#options.subscriber, session.channel).catch(() => {});
  }

  /** After a reconnection: all sessions are read again, since changes were missed. */
  async #resubscribe(): Promise<void> {
    const { subscriber, log } = this.#options;
    const sessions = [...this.#byChannel.values()];
    try {
      await untilResubscribed(
        subscriber,
        sessions.map(({ channel }) => channel),
      );
    } catch (error) {
      // The connection broke again: the next reconnection does the same.
      log.warn({ err: error }, "not subscribed again; sessions miss changes until the next reconnection");
      return;
    }
    const limit = pLimit(concurrentRereads);
    await Promise.all(sessions.map((session) => limit(() => session.reread())));
  }
}

function redisUnavailable(): RefusedError {
  return new RefusedError(refuse("UNAVAILABLE", "Redis cannot be reached at the moment. Nothing was changed."));
}
