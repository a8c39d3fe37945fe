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

/** Attempts to claim against other writers before giving up. */
const maxAttempts = 20;

/** Claims a feed: appends of every other writer are refused from now on. */
export async function claimFeed(feeds: FeedStore, feed: LiveInstrument, node: string): Promise<FeedRecord> {
  const owner = randomUUID();
  for (let attempt = 0; attempt < maxAttempts; attempt++) {
    const { record, now } = await feeds.read(feed);
    const claim = Math.max((record?.claim ?? 0) + 1, Math.floor(now));
    // Before the hash: a crash in between leaves an index entry, which is cleaned up, and not a feed that no listing finds.
    await feeds.noteClaim(feed, claim);
    const claimed = await feeds.change(
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
    if (typeof claimed === "object") return claimed;
  }
  throw new Error(`feed ${feedNameOf(feed)} could not be claimed: other writers keep changing it`);
}

/** What a new writer finds of the tape: segments in the store, then frames in Redis. */
export interface RecoveryState {
  readonly segments: readonly SegmentName[];
  /** Segments that a crash left over: others have their frames too, or they are cut off. */
  readonly superseded: readonly SegmentName[];
  readonly firstSeq: Seq;
  /** Frames that follow on the segments. */
  readonly unstored: readonly LiveFrame<Buffer>[];
  /** The newest frame. Undefined if frames are missing before it: then the tape cannot be continued. */
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
  const segments = contiguousSegments(ids, record.firstSeq);
  const firstSeq = segments[0]?.firstSeq ?? record.firstSeq;
  const storedSeq = segments.at(-1)?.lastSeq ?? firstSeq - 1;
  const unstored: LiveFrame<Buffer>[] = [];
  for await (const frames of readFrames(redis, stream, storedSeq + 1)) unstored.push(...frames);
  const newest = unstored.at(-1) ?? (await readNewestFrame(redis, stream));
  // A store with more frames than Redis means that Redis went back in time; one with fewer, that frames are lost.
  const complete =
    newest?.seq === record.lastSeq && storedSeq <= record.lastSeq && storedSeq + unstored.length === record.lastSeq;
  return {
    segments,
    superseded: supersededOf(ids, segments, firstSeq, storedSeq),
    firstSeq,
    unstored,
    last: complete ? newest : undefined,
  };
}

function supersededOf(
  ids: readonly string[],
  segments: readonly SegmentName[],
  firstSeq: Seq,
  storedSeq: Seq,
): SegmentName[] {
  const used = new Set(segments.map(({ id }) => id));
  return ids.flatMap((id) => {
    const segment = parseSegmentName(id);
    return segment !== undefined &&
      !used.has(id) &&
      segment.lastSeq <= storedSeq &&
      (segment.firstSeq >= firstSeq || segment.lastSeq < firstSeq) &&
      segments.length > 0
      ? [segment]
      : [];
  });
}

/** Stores the frames that follow on the segments of a tape that cannot be continued. */
export async function storeRemainingFrames(
  store: TapeStore,
  record: FeedRecord,
  frames: readonly LiveFrame<Buffer>[],
): Promise<void> {
  const unstored = new UnstoredFrames();
  for (const frame of frames) unstored.add(frame, frame.frame.text.length);
  await writeSegment(store, record, await unstored.blocks({ all: true }));
}
