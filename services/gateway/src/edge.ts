import type { FeedListener, FeedState, GrowingTape, LiveTapes } from "@tapedeck/live";
import { type FeedStatus, RefusedError } from "@tapedeck/protocol";
import type { Logger } from "@tapedeck/runtime";
import { feedUserOf, type SessionRecord } from "@tapedeck/sessions";
import type { Seq, Tape } from "@tapedeck/tape";
import { mergedAtOnce } from "./catch-up.js";
import { EdgePace } from "./edge-pace.js";
import type { HeldBack, Holding } from "./held-back.js";

/** Whose edge it is. */
export interface EdgeHolder {
  /** All frames up to this one may be shown. */
  readonly last: Seq;
  /** HOT: the market has come to frame `seq`. `message` stands for all after `last`; undefined: it has to be rendered. */
  advance(seq: Seq, message: Uint8Array | string | undefined): void;
  /** The session is at the edge of a tape that could not be opened when it came there. */
  found(tape: Tape): void;
  /** Goes along with the feed, which makes another tape now. @returns whether the session had not done so yet */
  tune(): Promise<boolean>;
  feedChanged(feed: FeedStatus): void;
}

export interface EdgeContext {
  readonly live: Pick<LiveTapes, "follow" | "requestFeed" | "renewFeed" | "releaseFeed">;
  readonly heldBack: HeldBack;
  /** Lets so many sessions at a time go along with a feed that makes another tape now. */
  readonly tuning: (tune: () => Promise<boolean>) => Promise<boolean>;
  readonly log: Logger;
}

/**
 * The feed of a session in LIVE, as long as sockets here watch it: how the feed is, and, while the session is at the edge, the
 * market's frames as if a ticker had published them.
 */
export class Edge implements FeedListener, Holding {
  heldUntilMs = 0;
  readonly #holder: EdgeHolder;
  readonly #context: EdgeContext;
  #record: SessionRecord | undefined;
  #state: FeedState | undefined;
  #feed: FeedStatus | undefined;
  /** Present while frames are passed on: the session is at the edge, and its tape is open. */
  #pace: EdgePace | undefined;
  #tape: Tape | undefined;
  /** The session's tape does not exist any more. */
  #lost = false;
  #straying = false;
  #closed = false;
  #unfollow: (() => void) | undefined;
  #wantedAt = 0;
  /** Why the session may not have this feed; it is shown frames all the same while others have it run. */
  #refused: FeedStatus | undefined;

  constructor(holder: EdgeHolder, context: EdgeContext) {
    this.#holder = holder;
    this.#context = context;
  }

  /** How the feed is; undefined outside LIVE, and while that is not known yet. */
  get feed(): FeedStatus | undefined {
    return this.#feed;
  }

  /** Follows the feed of a session as it is now. Nothing is passed on before `standAt`. */
  follow(record: SessionRecord): void {
    if (this.#closed) return; // a command was under way when the last socket closed
    const before = this.#record;
    this.#leave();
    this.#lost = false;
    this.#record = record;
    if (!followsSame(before, record)) {
      this.#end();
      if (record.mode === "LIVE") this.#begin(record);
    }
    this.lookAstray();
  }

  #begin(record: SessionRecord): void {
    this.#want(record, "requestFeed");
    this.#unfollow = this.#context.live.follow(record.source, record.symbol, this);
  }

  /** Says once more that the session wants its feed, where that was said long ago. */
  renew(everyMs: number): void {
    const record = this.#record;
    if (record?.mode !== "LIVE" || performance.now() - this.#wantedAt < everyMs) return;
    this.#want(record, this.#refused === undefined ? "renewFeed" : "requestFeed");
  }

  #want(record: SessionRecord, how: "requestFeed" | "renewFeed"): void {
    const { live, log } = this.#context;
    const { source, symbol } = record;
    this.#wantedAt = performance.now();
    const heard = (refused: FeedStatus | undefined): void => {
      if (this.#record === undefined || !followsSame(this.#record, record)) return;
      const before = this.#refused;
      this.#refused = refused;
      const told = refused ?? this.#state?.status;
      if (told !== undefined && (refused ?? before) !== undefined) this.#learn(told);
    };
    live[how](source, symbol, feedUserOf(record)).then(
      () => heard(undefined),
      (error) => {
        if (error instanceof RefusedError && error.status !== 503) heard({ status: "down", reason: error.message });
        else log.debug({ err: error, source, symbol }, "feed not wanted");
      },
    );
  }

  /** The session is at the edge of this tape, and all that is on it may be shown: what the market brings is passed on. */
  standAt(tape: Tape): void {
    if (this.#record === undefined) return;
    this.#tape = tape;
    this.#pace = new EdgePace(this.#record, tape.span.lastNs);
  }

  /** HOT: once per frame of the market and session. */
  frame(tape: GrowingTape, seq: Seq, body: Uint8Array): void {
    const record = this.#record;
    if (record === undefined || !record.edge || tape.id !== record.tape) return;
    if (this.#pace === undefined) {
      this.#holder.found(tape);
    } else if (this.#pace.admits(tape.span.lastNs)) {
      this.#pass(tape, seq, body);
    } else if (this.heldUntilMs === 0) {
      this.heldUntilMs = performance.now() + this.#pace.cellMs;
      this.#context.heldBack.add(this);
    }
  }

  // HOT
  #pass(tape: Tape, seq: Seq, body: Uint8Array | undefined): void {
    if (this.heldUntilMs !== 0) this.#holdNothing();
    const { last } = this.#holder;
    if (seq <= last) return;
    if (seq === last + 1 && body !== undefined) this.#holder.advance(seq, body);
    else this.#holder.advance(seq, this.#record?.maxFps === 0 ? undefined : mergedAtOnce(tape, last, seq));
  }

  /** The market has brought nothing for a while: what was held back goes out. */
  release(): void {
    const tape = this.#tape;
    if (tape === undefined || this.#pace === undefined) return;
    const { lastSeq, lastNs } = tape.span;
    this.#pace.release(lastNs);
    this.#pass(tape, lastSeq, undefined);
  }

  state(state: FeedState): void {
    this.#state = state;
    this.#learn(this.#refused ?? state.status);
    this.lookAstray();
  }

  #learn(feed: FeedStatus): void {
    if (this.#feed?.status === feed.status && this.#feed.reason === feed.reason) return;
    this.#feed = feed;
    this.#holder.feedChanged(feed);
  }

  /** The session's tape does not exist any more: it goes along with its feed when that has another one. */
  lose(): void {
    this.#lost = true;
    this.lookAstray();
  }

  /** A session at the edge, or with nothing to show, goes along with its feed. */
  lookAstray(): void {
    const record = this.#record;
    const tape = this.#state?.tape ?? "";
    if (record?.mode !== "LIVE" || tape === "" || tape === record.tape) return;
    if (record.edge || record.tape === "" || this.#lost) this.#stray();
  }

  #stray(): void {
    if (this.#straying) return;
    this.#straying = true;
    const { tuning, log } = this.#context;
    tuning(() => this.#holder.tune()).then(
      (tuned) => {
        this.#straying = false;
        if (tuned) this.lookAstray(); // its feed may have begun yet another one meanwhile
      },
      (error) => {
        this.#straying = false;
        log.warn({ err: error }, "a session was not tuned to the tape of its feed");
      },
    );
  }

  /** No socket here watches any more. */
  close(): void {
    this.#closed = true;
    this.#leave();
    this.#record = undefined;
    this.#end();
  }

  #end(): void {
    this.#unfollow?.();
    this.#unfollow = undefined;
    this.#state = undefined;
    this.#feed = undefined;
    this.#refused = undefined;
  }

  #leave(): void {
    this.#pace = undefined;
    this.#tape = undefined;
    this.#holdNothing();
  }

  #holdNothing(): void {
    if (this.heldUntilMs === 0) return;
    this.heldUntilMs = 0;
    this.#context.heldBack.delete(this);
  }
}

function followsSame(before: SessionRecord | undefined, after: SessionRecord): boolean {
  if (before === undefined || before.mode !== after.mode) return false;
  return after.mode !== "LIVE" || (before.source === after.source && before.symbol === after.symbol);
}
