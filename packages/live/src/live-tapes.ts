import type { Logger } from "@tapedeck/runtime";
import type { Keys } from "@tapedeck/sessions";
import type { BlockCache, Seq, TapeStore } from "@tapedeck/tape";
import type { Redis } from "ioredis";
import type { GrowingTape } from "./growing-tape.js";
import type { LiveState } from "./live-state.js";

export interface LiveTapesOptions {
  /** For commands; see `RedisPurpose`. */
  readonly redis: Redis;
  /** May be shared with others: messages of other channels are left alone. */
  readonly subscriber: Redis;
  readonly keys: Keys;
  readonly store: TapeStore;
  /** Shared with the `TapeCatalog` of the process. */
  readonly cache: BlockCache;
  readonly log: Logger;
  /** How long a feed stays wanted after `want`; 60 s by default. */
  readonly lingerMs?: number;
}

export interface LiveListener {
  /**
   * HOT. The frame's JSON as bytes, after `tape.span` has grown to it: `tape.block(seq)` is in memory. In order and without
   * holes, but for an absence longer than `mostHealedFrames`, after which it goes on later.
   */
  frame(tape: GrowingTape, seq: Seq, body: Buffer): void;
  /** Called once as soon as the present state is known, then for each change. */
  state(state: LiveState): void;
}

/** A follower that missed more frames than this tells its listeners only the newest of them. */
export const mostHealedFrames = 2_000;

/** Live tapes in one process: at most one subscription per feed, however many follow it or have its tape open. */
export interface LiveTapes {
  /** The feed from memory if it is followed here, else as Redis has it; with `fresh` always that. Undefined: there is none. */
  status(source: string, symbol: string, options?: { fresh?: boolean }): Promise<LiveState | undefined>;
  /** `id@1` of the tape that is growing, as Redis has it; empty while there is none. */
  tapeOf(source: string, symbol: string): Promise<string>;
  /** All feeds that somebody wants now. A feed that nobody has taken yet is `connecting`. */
  wanted(): Promise<LiveState[]>;
  /** Follows a feed until the returned function is called. */
  follow(source: string, symbol: string, listener: LiveListener): () => void;
  /** Says that a feed is wanted from now for the linger time, and asks for a worker if none has it. */
  want(source: string, symbol: string): Promise<void>;
  close(): Promise<void>;
}
