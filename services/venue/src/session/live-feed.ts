import { FeedDemand, type FeedListener, type FeedState, type GrowingTape, type LiveTapes } from "@tapedeck/live";
import type { Logger } from "@tapedeck/runtime";
import type { SessionRecord, SessionStore } from "@tapedeck/sessions";
import type { FollowedSession } from "./followed-session.js";

export interface LiveFeedContext {
  readonly live: LiveTapes;
  readonly store: SessionStore;
  readonly log: Logger;
}

/** Keeps the feed of a session in LIVE in demand while bots use it, tells when its tape has grown, and moves the session along when the feed begins another tape. */
export class LiveFeed implements FeedListener {
  readonly #context: LiveFeedContext;
  readonly #session: () => FollowedSession | undefined;
  readonly #onGrown: () => void;
  readonly #demand: FeedDemand;
  #record: SessionRecord | undefined;
  #state: FeedState | undefined;
  #switching = false;
  #unfollow: (() => void) | undefined;

  /** @param session that the feed is for, once it is known */
  constructor(context: LiveFeedContext, session: () => FollowedSession | undefined, onGrown: () => void) {
    this.#context = context;
    this.#session = session;
    this.#onGrown = onGrown;
    this.#demand = new FeedDemand(context, () => {});
  }

  /** Follows the feed of a session's new record. */
  follow(record: SessionRecord): void {
    const before = this.#record;
    this.#record = record;
    const { mode, source, symbol } = record;
    const same = before?.mode === mode && (mode !== "LIVE" || (before.source === source && before.symbol === symbol));
    if (!same) {
      this.#stopFollowing();
      if (mode === "LIVE") {
        this.#demand.begin(record);
        this.#unfollow = this.#context.live.follow(source, symbol, this);
      }
    }
    this.#checkTape();
  }

  /** Repeats the request for the feed if the last one is this old. */
  renewDemand(everyMs: number): void {
    this.#demand.renew(everyMs);
  }

  /** HOT: once per frame of the market and session. */
  frame(tape: GrowingTape): void {
    if (this.#record?.tape === tape.id) this.#onGrown();
  }

  state(state: FeedState): void {
    this.#state = state;
    this.#onGrown(); // it may have ended, or a silent one may have been opened
    this.#checkTape();
  }

  /** If the feed writes another tape, a session at the edge, or without a tape, switches to it. */
  #checkTape(): void {
    const record = this.#record;
    const session = this.#session();
    const feedTape = this.#state?.tape ?? "";
    if (session === undefined || record?.mode !== "LIVE" || feedTape === "" || feedTape === record.tape) return;
    if (this.#switching || !(record.edge || record.tape === "")) return;
    this.#switching = true;
    session
      .perform({ type: "tune" })
      .catch((error: unknown) => {
        this.#context.log.warn(
          { err: error },
          "failed to switch a session to its feed's new tape; the next change of the feed tries again",
        );
        return false;
      })
      .then((changed) => {
        this.#switching = false;
        if (changed) this.#checkTape(); // the feed may have begun yet another tape meanwhile
      });
  }

  /** No bot here uses the session any more. */
  close(): void {
    const record = this.#record;
    this.#record = undefined;
    this.#stopFollowing();
    if (record?.mode === "LIVE") void this.#demand.withdraw(record);
  }

  #stopFollowing(): void {
    this.#unfollow?.();
    this.#unfollow = undefined;
    this.#state = undefined;
    this.#demand.end();
  }
}
