import { masterOf, type PubSubProbe, type RedisConnection } from "@tapedeck/runtime";
import { isMoving } from "@tapedeck/sessions";
import { errorMessage } from "./session-messages.js";
import type { SessionSubscription } from "./subscription.js";

/** Viewers get a notice when nothing has come through Redis for this long. */
const tellAfterMs = 2_000;

interface OutageNoticesOptions {
  readonly subscriber: RedisConnection;
  readonly probe: Pick<PubSubProbe, "silentMasters">;
  /** The subscriptions of this node. */
  readonly subscriptions: () => Iterable<SessionSubscription>;
}

/** Tells the viewers of playing sessions, once in each outage, that Redis, or the master of their session, delivers nothing. */
export class OutageNotices {
  readonly #options: OutageNoticesOptions;
  /** Sessions whose viewers know of the present outage. */
  readonly #told = new Set<SessionSubscription>();

  constructor(options: OutageNoticesOptions) {
    this.#options = options;
  }

  /** To be called a few times a second. */
  check(): void {
    const { subscriber, probe, subscriptions } = this.#options;
    const silent = probe.silentMasters(tellAfterMs);
    for (const subscription of this.#told) {
      if (!silent.has(masterOf(subscriber, subscription.channel))) this.#told.delete(subscription);
    }
    if (silent.size === 0) return;
    for (const subscription of subscriptions()) {
      if (this.#told.has(subscription) || !silent.has(masterOf(subscriber, subscription.channel))) continue;
      this.#told.add(subscription);
      if (subscription.opened && isMoving(subscription.record)) tell(subscription);
    }
  }
}

function tell({ subscribers }: SessionSubscription): void {
  const text = errorMessage(
    "UNAVAILABLE",
    `Nothing has come through Redis for ${tellAfterMs / 1000} s: this session stands still and goes on when Redis is back.`,
  );
  for (const subscriber of subscribers) subscriber.push({ type: "message", message: () => text });
}
