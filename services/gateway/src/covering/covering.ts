import type { WallMs } from "@tapedeck/protocol";
import { interval, type Logger, masterOf, type PubSubProbe, type RedisConnection } from "@tapedeck/runtime";
import { needsTicker, type SessionRecord, type SessionStore } from "@tapedeck/sessions";
import FlatQueue from "flatqueue";
import type { SessionSubscription } from "../subscription/subscription.js";
import { CoveredSession, type NextVisit } from "./covered-session.js";
import type { TickerLiveness } from "./ticker-liveness.js";

interface CoveringOptions {
  /** The subscriptions of this node. */
  readonly subscriptions: () => Iterable<SessionSubscription>;
  readonly tickers: Pick<TickerLiveness, "isSilent" | "hasSilent">;
  readonly probe: Pick<PubSubProbe, "echo" | "echoedAt" | "silentMasters">;
  readonly subscriber: RedisConnection;
  readonly store: Pick<SessionStore, "writeProgress">;
  /** The cluster's clock. */
  readonly now: () => WallMs;
  readonly log: Logger;
}

/** How often silent tickers are looked for; every so many looks, also silent masters and sessions that no ticker has claimed. */
const lookEveryMs = 50;
const looksPerFullLook = 5;
/** If this node itself was held up for longer, beats wait in its sockets, and the look is skipped. */
const heldUpMs = 100;
/** A session that no ticker claims is covered after this long: one that shuts down may release hundreds faster than others can take them. */
const unclaimedMs = 200;
/** A master through which no echo has come for this long counts as away: one is sent at each full look. */
const masterSilentMs = 750;
/**
 * The sessions of a master that was away are covered for at least this long, even if their ticker beats and publishes: it may have lost its leases,
 * or be about to, which nothing here can tell. It covers an expired lock, and the search for it.
 */
const unsettledMs = 10_000;
/** Covered sessions are visited so often, and an echo is sent so often. */
const visitEveryMs = 10;
const echoEveryMs = 20;
/** The most time of this process for one round of visits: two fifths of a core. An overloaded ticker on the same cores must get better, not worse. */
const budgetMs = 4;
const progressEveryMs = 1_000;
const none: ReadonlySet<string | undefined> = new Set();

/**
 * Renders frames of sessions whose ticker is silent, until a ticker publishes them again: viewers of a dead ticker's sessions stand
 * still for a quarter of a second, not until another ticker has taken over. The same when a Redis master comes back, or has been replaced, whose
 * sessions and leases stood still.
 */
export class Covering {
  readonly #options: CoveringOptions;
  readonly #covered = new Map<SessionSubscription, CoveredSession>();
  readonly #queue = new FlatQueue<CoveredSession>();
  /** Revisions that cannot be covered. */
  readonly #impossible = new WeakMap<SessionSubscription, SessionRecord>();
  readonly #stopLooking: () => void;
  #stopVisiting: (() => void) | undefined;
  #looks = 0;
  #lookedAt = performance.now();
  #echoAt = 0;
  #progressAt = 0;

  constructor(options: CoveringOptions) {
    this.#options = options;
    this.#stopLooking = interval(() => this.#look(), lookEveryMs);
  }

  /** How many sessions are covered now. */
  get size(): number {
    return this.#covered.size;
  }

  stop(): void {
    this.#stopLooking();
    this.#stopVisiting?.();
    this.#covered.clear();
    this.#queue.clear();
  }

  #look(): void {
    const now = performance.now();
    const heldUp = now - this.#lookedAt - lookEveryMs > heldUpMs;
    this.#lookedAt = now;
    if (heldUp) return;
    const { tickers, probe, subscriber, subscriptions, log } = this.#options;
    const full = this.#looks++ % looksPerFullLook === 0;
    if (full) probe.echo();
    else if (!tickers.hasSilent(now)) return;
    const away = full ? probe.silentMasters(masterSilentMs) : none;
    const before = this.#covered.size;
    for (const subscription of subscriptions()) {
      const isAway = away.size > 0 && away.has(masterOf(subscriber, subscription.channel));
      const covered = this.#covered.get(subscription);
      const needed =
        covered !== undefined || (isAway ? this.#mayCover(subscription) : this.#needsCover(subscription, now));
      if (!needed) continue;
      const session = covered ?? this.#begin(subscription);
      if (isAway) session.keepUntil = now + unsettledMs;
    }
    if (before > 0 || this.#covered.size === 0) return;
    const why = away.size > 0 ? "a Redis master was away" : "a ticker is silent";
    log.warn(
      { sessions: this.#covered.size },
      `${why}: this gateway renders the sessions' frames meanwhile, if they do not come`,
    );
  }

  #mayCover(subscription: SessionSubscription): boolean {
    const { known, subscribers } = subscription;
    if (known === undefined || subscribers.size === 0 || subscription.ended) return false;
    return needsTicker(known.record) && this.#impossible.get(subscription) !== known.record;
  }

  #needsCover(subscription: SessionSubscription, now: number): boolean {
    const { known } = subscription;
    if (known === undefined || !this.#mayCover(subscription)) return false;
    const { record, since } = known;
    return record.ticker === "" ? now - since > unclaimedMs : this.#options.tickers.isSilent(record.ticker, now);
  }

  #begin(subscription: SessionSubscription): CoveredSession {
    const session = new CoveredSession(subscription);
    this.#covered.set(subscription, session);
    this.#queue.push(session, this.#options.now());
    this.#stopVisiting ??= interval(() => this.#visit(), visitEveryMs);
    return session;
  }

  #visit(): void {
    const { now: clock, probe } = this.#options;
    const began = performance.now();
    if (began - this.#echoAt >= echoEveryMs) {
      this.#echoAt = began;
      probe.echo();
    }
    const now = clock();
    for (let at = this.#queue.peekValue(); at !== undefined && at <= now; at = this.#queue.peekValue()) {
      if (performance.now() - began > budgetMs) break;
      const session = this.#queue.pop();
      if (session === undefined) break;
      const { subscription } = session;
      const echoedAt = now - (began - (probe.echoedAt(subscription.channel) ?? Number.NEGATIVE_INFINITY));
      const tickerBack = began > session.keepUntil && !this.#needsCover(subscription, began);
      this.#schedule(session, session.visit({ now, echoedAt }, tickerBack), now);
    }
    if (began - this.#progressAt >= progressEveryMs) {
      this.#progressAt = began;
      this.#writeProgress([...this.#covered.values()]);
    }
  }

  #schedule(session: CoveredSession, next: NextVisit, now: WallMs): void {
    if (next === "served" || next === "impossible") {
      if (next === "impossible") this.#impossible.set(session.subscription, session.subscription.record);
      this.#end(session);
    } else if ("at" in next) {
      this.#queue.push(session, Math.max(next.at, now + 1));
    } else {
      next.after.then(
        () => this.#requeue(session),
        (error: unknown) => {
          // Its next ticker finds the same and knows what to do: skip a damaged block, or wait for the store.
          this.#options.log.debug({ err: error, session: session.subscription.id }, "session not covered");
          if (!session.subscription.ended) this.#impossible.set(session.subscription, session.subscription.record);
          this.#end(session);
        },
      );
    }
  }

  #requeue(session: CoveredSession): void {
    if (this.#covered.get(session.subscription) === session) this.#queue.push(session, this.#options.now());
  }

  #end(session: CoveredSession): void {
    if (this.#covered.get(session.subscription) !== session) return;
    this.#covered.delete(session.subscription);
    this.#writeProgress([session]);
    if (this.#covered.size > 0) return;
    this.#stopVisiting?.();
    this.#stopVisiting = undefined;
    this.#queue.clear();
    this.#options.log.info("tickers publish again: nothing is rendered in their place");
  }

  /** Redis learns once a second how far sessions have come, as tickers report it: what takes over goes on from there. */
  #writeProgress(sessions: readonly CoveredSession[]): void {
    const shown = sessions.flatMap((session) => {
      const { unwritten } = session;
      session.unwritten = undefined;
      return unwritten === undefined ? [] : [{ id: session.subscription.id, ...unwritten }];
    });
    if (shown.length === 0) return;
    this.#options.store.writeProgress(shown).catch((error: unknown) => {
      this.#options.log.debug({ err: error }, "progress of covered sessions not written; their next frames repeat it");
    });
  }
}
