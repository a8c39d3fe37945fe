import { randomUUID } from "node:crypto";
import { parseTapeName, type Seq, type TapeStore } from "@tapedeck/tape";
import { type FeedRecord, noTape, tapeFields } from "../feed-store/feed-record.js";
import { type FeedStore, feedNameOf } from "../feed-store/feed-store.js";
import type { LiveInstrument } from "../feed-store/live-tape-id.js";
import { contiguousSegments, parseSegmentName, type SegmentName } from "../segments/segment-name.js";
import { writeSegment } from "../segments/write-segment.js";
import type { LiveFrame } from "../stream/frame-message.js";
import { readFrames, readNewestFrame } from "../stream/read-frames.js";
import { UnstoredFrames } from "./unstored-frames.js";

/** How many others may come in between before a claim gives up. */
const attempts = 20;

/** Makes oneself the one writer of a feed: every other one is refused from now on. */
export async function claimFeed(feeds: FeedStore, feed: LiveInstrument, node: string): Promise<FeedRecord> {
  const owner = randomUUID();
  for (let attempt = 0; attempt < attempts; attempt++) {
    const { record, now } = await feeds.read(feed);
    const claim = Math.max((record?.claim ?? 0) + 1, Math.floor(now));
    // Before the hash, so that a crash in between leaves an entry that is cleaned up, not a feed that nobody finds.
    await feeds.noteClaim(feed, claim);
    const taken = await feeds.change(
      feed,
      { rev: record?.rev ?? 0 },
      {
        ...feed,
        owner,
        claim,
        node,
        seen_ms: "@now",
        status: "connecting",
        reason: "",
        since: "@now",
        ...(record === undefined && tapeFields(noTape)),
      },
    );
    if (typeof taken === "object") return taken;
  }
  throw new Error(`feed ${feedNameOf(feed)} changes hands all the time`);
}

/** What there is of a tape: in the store, and after that in Redis. */
export interface RecoveryState {
  readonly segments: readonly SegmentName[];
  /** Parts whose frames those have too, or which are cut off: a crash left them. */
  readonly superseded: readonly SegmentName[];
  readonly firstSeq: Seq;
  /** Frames that follow on the parts. */
  readonly unstored: readonly LiveFrame<Buffer>[];
  /** The newest frame, if none is missing up to it; else the tape cannot go on. */
  readonly last: LiveFrame<Buffer> | undefined;
}

export async function readRecoveryState(
  feeds: FeedStore,
  store: TapeStore,
  record: FeedRecord,
): Promise<RecoveryState> {
  const { redis, keys } = feeds;
  const stream = keys.live(record.source, record.symbol);
  const ids = await store.segments(parseTapeName(record.tape).id).ids();
  const parts = contiguousSegments(ids, record.firstSeq);
  const firstSeq = parts[0]?.firstSeq ?? record.firstSeq;
  const covered = parts.at(-1)?.lastSeq ?? firstSeq - 1;
  const unstored: LiveFrame<Buffer>[] = [];
  for await (const frames of readFrames(redis, stream, covered + 1)) unstored.push(...frames);
  const newest = unstored.at(-1) ?? (await readNewestFrame(redis, stream));
  // A store that has more than Redis says that Redis went back in time; one that has less, that frames are lost.
  const whole =
    newest?.seq === record.lastSeq && covered <= record.lastSeq && covered + unstored.length === record.lastSeq;
  return {
    segments: parts,
    superseded: leftoversOf(ids, parts, firstSeq, covered),
    firstSeq,
    unstored,
    last: whole ? newest : undefined,
  };
}

function leftoversOf(
  ids: readonly string[],
  parts: readonly SegmentName[],
  firstSeq: Seq,
  covered: Seq,
): SegmentName[] {
  const used = new Set(parts.map(({ id }) => id));
  return ids.flatMap((id) => {
    const part = parseSegmentName(id);
    return part !== undefined &&
      !used.has(id) &&
      part.lastSeq <= covered &&
      (part.firstSeq >= firstSeq || part.lastSeq < firstSeq) &&
      parts.length > 0
      ? [part]
      : [];
  });
}

/** Stores frames that follow on the parts of a tape that is given up. */
export async function storeRemainingFrames(
  store: TapeStore,
  record: FeedRecord,
  frames: readonly LiveFrame<Buffer>[],
): Promise<void> {
  const unstored = new UnstoredFrames();
  for (const frame of frames) unstored.add(frame, frame.frame.text.length);
  await writeSegment(store, record, await unstored.blocks({ all: true }));
}
