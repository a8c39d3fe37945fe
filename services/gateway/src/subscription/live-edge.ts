import type { FeedListener, FeedState, GrowingTape, LiveTapes } from "@tapedeck/live";
import { FeedDemand, type FeedDemandContext } from "@tapedeck/live";
import type { FeedStatus } from "@tapedeck/protocol";
import type { SessionRecord } from "@tapedeck/sessions";
import type { Seq, Tape } from "@tapedeck/tape";
import { type ConflatedSource, type ConflationTimer, EdgeFrameCap } from "./conflation.js";
import { mergedInMemory } from "./playback-segment.js";

/** The subscription that a live edge belongs to. */
export interface LiveEdgeOwner {
  /** The last frame that clients may get. */
  readonly lastSeq: Seq;
  /** HOT: the market has reached frame `seq`. `message` has all frames after `lastSeq`; if undefined, they have to be rendered. */
  advance(seq: Seq, message: Uint8Array | string | undefined): void;
  /** The tape of a session at the edge could not be opened when the session got there; here it is. */
  tapeFound(tape: Tape): void;
  /** Moves the session to the tape that its feed writes now. @returns whether this changed the session */
  switchTape(): Promise<boolean>;
  feedChanged(feed: FeedStatus): void;
}

export interface LiveEdgeContext extends FeedDemandContext {
  readonly live: FeedDemandContext["live"] & Pick<LiveTapes, "follow">;
  readonly conflationTimer: ConflationTimer;
  /** Limits how many sessions of this node switch tapes at the same time. */
  readonly limitSwitches: (switchTape: () => Promise<boolean>) => Promise<boolean>;
}

/**
 * Follows the feed of a session in LIVE while clients here watch it. Reports the feed's status, forwards the market's frames while
 * the session is at the live edge (no ticker does), and moves the session along when the feed begins another tape.
 */
export class LiveEdge implements FeedListener, ConflatedSource {
  flushAtMs = 0;
  readonly #owner: LiveEdgeOwner;
  readonly #context: LiveEdgeContext;
  readonly #demand: FeedDemand;
  #record: SessionRecord | undefined;
  #state: FeedState | undefined;
  #feed: FeedStatus | undefined;
  /** Both are set while frames are forwarded: the session is at the edge, and its tape is open. */
  #frameCap: EdgeFrameCap | undefined;
  #tape: Tape | undefined;
  /** The session's tape does not exist any more. */
  #tapeLost = false;
  #switching = false;
  #closed = false;
  #unfollow: (() => void) | undefined;

  constructor(owner: LiveEdgeOwner, context: LiveEdgeContext) {
    this.#owner = owner;
    this.#context = context;
    this.#demand = new FeedDemand(context, () => this.#setFeed(this.#demand.refused ?? this.#state?.status));
  }

  /** The feed's status; undefined outside LIVE, and while it is not known yet. */
  get feed(): FeedStatus | undefined {
    return this.#feed;
  }

  /** Follows the feed of a session's new record. No frame is forwarded before `start`. */
  follow(record: SessionRecord): void {
    if (this.#closed) return; // a command was under way when the last socket closed
    const before = this.#record;
    this.#stopForwarding();
    this.#tapeLost = false;
    this.#record = record;
    if (!hasSameFeed(before, record)) {
      this.#unfollowFeed();
      if (record.mode === "LIVE") {
        this.#demand.begin(record);
        this.#unfollow = this.#context.live.follow(record.source, record.symbol, this);
      }
    }
    this.checkFeedTape();
  }

  /** Repeats the request for the feed if the last one is this old. */
  renewDemand(everyMs: number): void {
    this.#demand.renew(everyMs);
  }

  /** The session is at the edge of this tape, and clients may get all that is on it: forwards frames from now on. */
  start(tape: Tape): void {
    if (this.#record === undefined) return;
    this.#tape = tape;
    this.#frameCap = new EdgeFrameCap(this.#record, tape.span.lastNs);
  }

  /** HOT: once per frame of the market and session. */
  frame(tape: GrowingTape, seq: Seq, body: Uint8Array): void {
    const record = this.#record;
    if (record === undefined || !record.edge || tape.id !== record.tape) return;
    if (this.#frameCap === undefined) {
      this.#owner.tapeFound(tape);
    } else if (this.#frameCap.admits(tape.span.lastNs)) {
      this.#forward(tape, seq, body);
    } else if (this.flushAtMs === 0) {
      this.flushAtMs = performance.now() + this.#frameCap.intervalMs;
      this.#context.conflationTimer.add(this);
    }
  }

  // HOT
  #forward(tape: Tape, seq: Seq, body: Uint8Array | undefined): void {
    if (this.flushAtMs !== 0) this.#cancelFlush();
    const { lastSeq } = this.#owner;
    if (seq <= lastSeq) return;
    if (seq === lastSeq + 1 && body !== undefined) this.#owner.advance(seq, body);
    else this.#owner.advance(seq, this.#record?.maxFps === 0 ? undefined : mergedInMemory(tape, lastSeq, seq));
  }

  /** The market has been quiet for an interval: sends the frames that the frame cap left over. */
  flush(): void {
    const tape = this.#tape;
    if (tape === undefined || this.#frameCap === undefined) return;
    const { lastSeq, lastNs } = tape.span;
    this.#frameCap.flushed(lastNs);
    this.#forward(tape, lastSeq, undefined);
  }

  state(state: FeedState): void {
    this.#state = state;
    this.#setFeed(this.#demand.refused ?? state.status);
    this.checkFeedTape();
  }

  #setFeed(feed: FeedStatus | undefined): void {
    if (feed === undefined || (this.#feed?.status === feed.status && this.#feed.reason === feed.reason)) return;
    this.#feed = feed;
    this.#owner.feedChanged(feed);
  }

  /** The session's tape does not exist any more: switches to the feed's tape as soon as there is another one. */
  tapeLost(): void {
    this.#tapeLost = true;
    this.checkFeedTape();
  }

  /** If the feed writes another tape, a session at the edge, or without a readable tape, switches to it. */
  checkFeedTape(): void {
    const record = this.#record;
    const feedTape = this.#state?.tape ?? "";
    if (record?.mode !== "LIVE" || feedTape === "" || feedTape === record.tape) return;
    if (record.edge || record.tape === "" || this.#tapeLost) this.#switchTape();
  }

  #switchTape(): void {
    if (this.#switching) return;
    this.#switching = true;
    const { limitSwitches, log } = this.#context;
    limitSwitches(() => this.#owner.switchTape()).then(
      (changed) => {
        this.#switching = false;
        if (changed) this.checkFeedTape(); // the feed may have begun yet another tape meanwhile
      },
      (error) => {
        this.#switching = false;
        log.warn(
          { err: error },
          "failed to switch a session to its feed's new tape; the next change of the feed tries again",
        );
      },
    );
  }

  /** No client here watches the session any more. */
  close(): void {
    this.#closed = true;
    this.#stopForwarding();
    this.#record = undefined;
    this.#unfollowFeed();
  }

  /** The last client here has left a session in LIVE. */
  async withdrawDemand(record: SessionRecord): Promise<void> {
    await this.#demand.withdraw(record);
  }

  #unfollowFeed(): void {
    this.#unfollow?.();
    this.#unfollow = undefined;
    this.#state = undefined;
    this.#feed = undefined;
    this.#demand.end();
  }

  #stopForwarding(): void {
    this.#frameCap = undefined;
    this.#tape = undefined;
    this.#cancelFlush();
  }

  #cancelFlush(): void {
    if (this.flushAtMs === 0) return;
    this.flushAtMs = 0;
    this.#context.conflationTimer.delete(this);
  }
}

function hasSameFeed(before: SessionRecord | undefined, after: SessionRecord): boolean {
  if (before === undefined || before.mode !== after.mode) return false;
  return after.mode !== "LIVE" || (before.source === after.source && before.symbol === after.symbol);
}
