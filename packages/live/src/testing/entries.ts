import type { BookLevel, FrameParts } from "@tapedeck/market";
import type { TrackEntry } from "../track/track-entry.js";
import type { LiveTapeWriter } from "../writer/live-tape-writer.js";
import { startNs } from "./rig.js";

const times = (at: number) => ({
  timestampNs: startNs + BigInt(at) * 1_000_000n,
  receivedNs: startNs + BigInt(at) * 1_000_000n + 500n,
  heard: at,
});

/** Thirty levels a side: bids from 10 up, asks from 100 up. */
export function wholeBook(at: number, size: number): TrackEntry {
  const levels = (from: number): BookLevel[] => Array.from({ length: 30 }, (_, nth) => [from + nth, size]);
  return { kind: "book", ...times(at), state: "applied", snapshot: true, bids: levels(10), asks: levels(100) };
}

export function change(at: number, price: number, size: number): TrackEntry {
  const ids = { first: at, last: at + 1, previous: at - 1 };
  return { kind: "book", ...times(at), state: "applied", snapshot: false, ids, bids: [[price, size]], asks: [] };
}

export function trade(at: number): TrackEntry {
  return { kind: "trade", ...times(at), state: "applied", id: at, side: "buy", price: 100, size: 0.5 };
}

/** The whole book between events, as it is after `changes` of `entriesOf`. */
export function fullBook(at: number, first: number, last: number): TrackEntry {
  const bids = new Map(Array.from({ length: 30 }, (_, nth): [number, number] => [10 + nth, first + 1]));
  for (let seq = first; seq <= last; seq++) bids.set(20 + (seq % 5), seq + 1);
  const asks: BookLevel[] = Array.from({ length: 30 }, (_, nth) => [100 + nth, first + 1]);
  return { kind: "full", ...times(at), bids: [...bids], asks };
}

/** What a feed that begins at frame `first` adds with a frame: a change and a trade, and before its first one the whole book. */
export function entriesOf(seq: number, first: number): TrackEntry[] {
  const at = 2 * (seq - first) + 1;
  const gap: TrackEntry[] = first === 0 ? [] : [{ kind: "gap", reason: "the feed was away" }];
  const begin = seq === first ? [...gap, wholeBook(0, first + 1)] : [];
  return [...begin, change(at, 20 + (seq % 5), seq + 1), trade(at + 1)];
}

/** Appends frames with their events; throws if one is refused. */
export async function appendWithEvents(
  writer: LiveTapeWriter,
  frames: readonly FrameParts[],
  from: number,
  first = from,
): Promise<void> {
  for (const [at, frame] of frames.entries()) {
    const outcome = await writer.append(frame, startNs, entriesOf(from + at, first));
    if (outcome !== "appended") throw new Error(`frame ${from + at} was ${outcome}`);
  }
}
