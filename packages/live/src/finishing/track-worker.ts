import { parentPort } from "node:worker_threads";
import { gunzipSync } from "node:zlib";
import type { Seq, StoredTrackFile, TrackDecimals } from "@tapedeck/tape";
import { DecimalsChanged, lowerPriority, type TrackSummary } from "@tapedeck/tape/blocks";
import { entriesOf, isWholeBook } from "../track/track-entry.js";
import { type ReplayedTape, TrackReplay } from "./track-replay.js";

/** One after the other, each when the one before is answered. `part` has the bytes of a part as it is stored. */
export type TrackTask =
  | { readonly lastWholeBook: { readonly part: Uint8Array; readonly firstSeq: Seq } }
  | { readonly begin: ReplayedTape }
  | { readonly part: Uint8Array }
  | "end";

/** Bytes to be appended to the files of the track. */
export type TrackPiece = { readonly file: StoredTrackFile; readonly bytes: Uint8Array };

export type TrackReply =
  | { readonly wholeN: number }
  | { readonly pieces: readonly TrackPiece[]; readonly summary?: TrackSummary }
  /** The part is not what was written. */
  | { readonly damaged: string }
  | { readonly changed: TrackDecimals }
  | { readonly error: string };

/** What it is doing now, for a failure. */
let decoding = false;
let replay: TrackReplay | undefined;

function execute(task: TrackTask): TrackReply {
  if (task === "end") {
    const summary = replay?.end();
    return { pieces: replay?.take() ?? [], ...(summary && { summary }) };
  }
  if ("begin" in task) {
    replay = new TrackReplay(task.begin);
    return { pieces: [] };
  }
  if ("lastWholeBook" in task) return { wholeN: lastWholeBook(task.lastWholeBook) };
  for (const entry of decoded(task.part)) replay?.add(entry);
  return { pieces: replay?.take() ?? [] };
}

/** The number of the last whole book that frame `firstSeq` needs; 0 without one. */
function lastWholeBook({ part, firstSeq }: { readonly part: Uint8Array; readonly firstSeq: Seq }): number {
  let n = 0;
  for (const entry of decoded(part)) {
    if (entry.seq > firstSeq) break;
    if (isWholeBook(entry)) ({ n } = entry);
  }
  return n;
}

/** `decoding` tells a part that cannot be read from entries that cannot be used. */
function* decoded(part: Uint8Array) {
  decoding = true;
  for (const entry of entriesOf(gunzipSync(part))) {
    decoding = false;
    yield entry;
    decoding = true;
  }
  decoding = false;
}

function replyTo(task: TrackTask): TrackReply {
  decoding = false;
  try {
    return execute(task);
  } catch (error) {
    if (error instanceof DecimalsChanged) return { changed: error.decimals };
    return decoding ? { damaged: String(error) } : { error: String(error) };
  }
}

lowerPriority();
parentPort?.on("message", (task: TrackTask) => parentPort?.postMessage(replyTo(task)));
