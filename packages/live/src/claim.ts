import { randomUUID } from "node:crypto";
import { parseTapeName, type Seq, type TapeStore } from "@tapedeck/tape";
import { type FeedRecord, tapeFields, tapeless } from "./feed-record.js";
import { type FeedStore, feedName } from "./feed-store.js";
import type { LiveFrame } from "./frame-message.js";
import type { LiveInstrument } from "./live-tape-id.js";
import { type PartName, parsePartName, wholeOf } from "./part-name.js";
import { storePart } from "./store-part.js";
import { framesFrom, newestFrame } from "./stream.js";
import { Unstored } from "./unstored.js";

/** How many others may come in between before a claim gives up. */
const attempts = 20;

/** Makes oneself the one writer of a feed: every other one is refused from now on. */
export async function takeFeed(feeds: FeedStore, feed: LiveInstrument, node: string): Promise<FeedRecord> {
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
        ...(record === undefined && tapeFields(tapeless)),
      },
    );
    if (typeof taken === "object") return taken;
  }
  throw new Error(`feed ${feedName(feed)} changes hands all the time`);
}

/** What there is of a tape: in the store, and after that in Redis. */
export interface Remains {
  readonly parts: readonly PartName[];
  /** Parts whose frames those have too, or which are cut off: a crash left them. */
  readonly leftovers: readonly PartName[];
  readonly firstSeq: Seq;
  /** Frames that follow on the parts. */
  readonly unstored: readonly LiveFrame<Buffer>[];
  /** The newest frame, if none is missing up to it; else the tape cannot go on. */
  readonly last: LiveFrame<Buffer> | undefined;
}

export async function remainsOf(feeds: FeedStore, store: TapeStore, record: FeedRecord): Promise<Remains> {
  const { redis, keys } = feeds;
  const stream = keys.live(record.source, record.symbol);
  const ids = await store.parts(parseTapeName(record.tape).id).ids();
  const parts = wholeOf(ids, record.firstSeq);
  const firstSeq = parts[0]?.firstSeq ?? record.firstSeq;
  const covered = parts.at(-1)?.lastSeq ?? firstSeq - 1;
  const unstored: LiveFrame<Buffer>[] = [];
  for await (const frames of framesFrom(redis, stream, covered + 1)) unstored.push(...frames);
  const newest = unstored.at(-1) ?? (await newestFrame(redis, stream));
  // A store that has more than Redis says that Redis went back in time; one that has less, that frames are lost.
  const whole =
    newest?.seq === record.lastSeq && covered <= record.lastSeq && covered + unstored.length === record.lastSeq;
  return {
    parts,
    leftovers: leftoversOf(ids, parts, firstSeq, covered),
    firstSeq,
    unstored,
    last: whole ? newest : undefined,
  };
}

function leftoversOf(ids: readonly string[], parts: readonly PartName[], firstSeq: Seq, covered: Seq): PartName[] {
  const used = new Set(parts.map(({ id }) => id));
  return ids.flatMap((id) => {
    const part = parsePartName(id);
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
export async function salvage(
  store: TapeStore,
  record: FeedRecord,
  frames: readonly LiveFrame<Buffer>[],
): Promise<void> {
  const unstored = new Unstored();
  for (const frame of frames) unstored.add(frame, frame.frame.text.length);
  await storePart(store, record, await unstored.blocks({ all: true }));
}
