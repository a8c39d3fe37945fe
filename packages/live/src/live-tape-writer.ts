import type { FrameParts, Precision } from "@tapedeck/market";
import type { FeedStatus, TapeNs, TimeDecimals } from "@tapedeck/protocol";
import type { Logger } from "@tapedeck/runtime";
import type { Keys } from "@tapedeck/sessions";
import type { Seq, TapeStore } from "@tapedeck/tape";
import type { Redis } from "ioredis";
import type { LiveTapeSettings } from "./settings.js";

export interface ClaimOptions {
  /** A connection without an offline queue: what cannot be sent now is an error now. */
  readonly redis: Redis;
  readonly keys: Keys;
  readonly store: TapeStore;
  readonly source: string;
  readonly symbol: string;
  readonly node: string;
  readonly decimals: TimeDecimals;
  /** Milliseconds from frame to frame. */
  readonly intervalMs: number | null;
  /** Read at each frame: a feed learns the decimals of its instrument as it goes. */
  readonly precision: Precision;
  readonly analyticsVersion?: number;
  readonly settings?: Partial<LiveTapeSettings>;
  readonly log: Logger;
}

/**
 * What became of a frame: it is on the tape (`appended`); another feed has claimed this one (`fenced`: stop at once); Redis
 * has not what it should have, or the store takes no more (`lost`: claim again, which begins another tape).
 */
export type AppendOutcome = "appended" | "fenced" | "lost";

/** The one writer of a feed's tape, as long as nobody else has claimed it. */
export interface LiveTapeWriter {
  /** The tape that is gone on with: its next frame ends a marked gap. Undefined: the first append begins a new tape. */
  readonly goesOn: { readonly startNs: bigint; readonly lastNs: TapeNs; readonly lastSeq: Seq } | undefined;
  /** `id@1`; empty before the first frame of a new tape. */
  readonly tape: string;
  /**
   * Adds a frame. May be called again before the last call has settled; frames keep the order of the calls. Rejects while
   * Redis is away: then that frame and all after it have to be appended again, in their order, and none is there twice.
   *
   * @param startNs nanoseconds since 1970 that `parts.ns` counts from. A tape that goes on has its own (`goesOn.startNs`).
   */
  append(parts: FrameParts, startNs: bigint): Promise<AppendOutcome>;
  /** Tells all who follow the feed how it is. Resolves to false when another feed has claimed it. */
  tell(status: FeedStatus): Promise<boolean>;
  /** Says that the writer lives: about once a second. Resolves to false when another feed has claimed it. */
  renew(): Promise<boolean>;
  /** Gives the claim back, for another worker to go on with the same tape. */
  release(): Promise<void>;
  /** Ends the tape: stores what is left of it, makes it an ordinary one and removes what it had in Redis. */
  finish(): Promise<void>;
}

/** Claims a feed: from now on every other writer of it is refused. Rejects while Redis is away. */
export type ClaimLiveTape = (options: ClaimOptions) => Promise<LiveTapeWriter>;
