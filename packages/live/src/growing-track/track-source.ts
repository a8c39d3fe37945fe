import type { TrackDecimals, TrackReader } from "@tapedeck/tape";
import { decimalsOf } from "../track/track-digits.js";
import type { TrackPart } from "../track/track-parts.js";
import type { EventColumns, WholeBook } from "./event-columns.js";
import type { PartChunk } from "./part-chunks.js";
import type { RecentChunk } from "./recent-chunks.js";

/** What a growing track has at a moment. Parts and chunks follow on each other. */
export interface TrackLayout {
  readonly parts: readonly TrackPart[];
  readonly recent: readonly RecentChunk[];
  /** Of the whole books in recent chunks. */
  readonly recentBooks: readonly RecentBook[];
  /** Of all its events. */
  readonly decimals: TrackDecimals;
}

interface RecentBook extends Pick<WholeBook, "n" | "seq"> {
  readonly chunk: RecentChunk;
}

/** Looks through everything once, so that readers need not. */
export function layoutOf(parts: readonly TrackPart[], recent: readonly RecentChunk[]): TrackLayout {
  return {
    ...{ parts, recent },
    recentBooks: recent
      .filter(({ wholeBooks }) => wholeBooks.length > 0)
      .flatMap((chunk) => chunk.wholeBooks.map(({ n, seq }) => ({ n, seq, chunk }))),
    decimals: decimalsOf([...parts, ...recent].map(({ digits }) => digits)),
  };
}

/**
 * Where a growing track's events are, and how they are read. Reading rejects with `FileMissing` where they have moved since: parts are joined, and
 * erased when the tape is finished.
 */
export interface TrackSource {
  readonly layout: TrackLayout;
  /** The track of the finished tape, once this process knows that it is finished. */
  readonly finished: TrackReader | undefined;
  /** Looks where the events are now. */
  update(options: { readonly list: boolean }): Promise<void>;
  /** The lines of a part. */
  textOf(part: TrackPart): Promise<Buffer>;
  /** The chunks of a part. `text` is called unless they are known. */
  chunksOf(part: TrackPart, text: () => Promise<Buffer>): Promise<readonly PartChunk[]>;
  /** The events of a chunk. `text` is called unless they are cached. */
  readChunk(part: TrackPart, chunk: PartChunk, text: () => Promise<Buffer>): Promise<EventColumns>;
  readRecent(chunk: RecentChunk): Promise<EventColumns>;
}
