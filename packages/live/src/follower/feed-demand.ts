import { type FeedStatus, RefusedError } from "@tapedeck/protocol";
import type { Logger } from "@tapedeck/runtime";
import { feedUserOf, type SessionRecord, type SessionStore } from "@tapedeck/sessions";
import type { LiveTapes } from "./live-tapes.js";

export interface FeedDemandContext {
  readonly live: Pick<LiveTapes, "requestFeed" | "renewFeed" | "releaseFeed">;
  readonly store: Pick<SessionStore, "read">;
  readonly log: Logger;
}

/** Requests the feed of one session in LIVE while clients here watch it, and withdraws the request after the last has left. */
export class FeedDemand {
  readonly #context: FeedDemandContext;
  readonly #onRefusedChange: () => void;
  /** That which requests the feed; undefined outside LIVE. */
  #record: SessionRecord | undefined;
  #requestedAt = 0;
  #refused: FeedStatus | undefined;

  /** @param onRefusedChange called when a request was answered that changes `refused`, or confirms a refusal */
  constructor(context: FeedDemandContext, onRefusedChange: () => void) {
    this.#context = context;
    this.#onRefusedChange = onRefusedChange;
  }

  /** Why the session may not request this feed. Its clients still get frames while other sessions keep the feed running. */
  get refused(): FeedStatus | undefined {
    return this.#refused;
  }

  begin(record: SessionRecord): void {
    this.#record = record;
    this.#request(record, "requestFeed");
  }

  /** Repeats the request if the last one is this old. */
  renew(everyMs: number): void {
    if (this.#record === undefined || performance.now() - this.#requestedAt < everyMs) return;
    this.#request(this.#record, this.#refused === undefined ? "renewFeed" : "requestFeed");
  }

  /** Does not repeat the request, so it expires. */
  end(): void {
    this.#record = undefined;
    this.#refused = undefined;
  }

  /** The last client here has left: withdraws the request, unless other nodes have clients of the session. */
  async withdraw(record: SessionRecord): Promise<void> {
    const { live, store, log } = this.#context;
    try {
      // This node's own sockets are not counted any more: presence was written to Redis before this read.
      const read = await store.read(record.id);
      if ((read?.connections ?? 0) === 0) await live.releaseFeed(feedUserOf(record), read?.now);
    } catch (error) {
      log.debug({ err: error, session: record.id }, "feed request not withdrawn; it expires by itself");
    }
  }

  #request(record: SessionRecord, how: "requestFeed" | "renewFeed"): void {
    const { live, log } = this.#context;
    const { source, symbol } = record;
    this.#requestedAt = performance.now();
    const answered = (refused: FeedStatus | undefined): void => {
      if (this.#record !== record) return; // it has gone to another feed meanwhile
      const before = this.#refused;
      this.#refused = refused;
      if ((refused ?? before) !== undefined) this.#onRefusedChange();
    };
    live[how](source, symbol, feedUserOf(record)).then(
      () => answered(undefined),
      (error) => {
        if (error instanceof RefusedError && error.status !== 503) answered({ status: "down", reason: error.message });
        else log.debug({ err: error, source, symbol }, "feed not requested; the next renewal tries again");
      },
    );
  }
}
