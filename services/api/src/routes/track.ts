import {
  bookChanges,
  bookChangesQuery,
  bookQuery,
  eventsQuery,
  fullBook,
  nsOfIso,
  RefusedError,
  refuse,
  sessionBookAnswer,
  sessionBookQuery,
  sessionParams,
  trackLine,
} from "@tapedeck/protocol";
import { positionAt } from "@tapedeck/sessions";
import {
  pinnedTrackOf,
  RangeRefused,
  type Seq,
  type StoredTrackFile,
  storedTrackFiles,
  type Tape,
  type TrackPlace,
  type TrackRange,
  trackOf,
} from "@tapedeck/tape";
import { z } from "zod";
import { FileResponse } from "../http/file-response.js";
import { noInput, type Route, route } from "../http/route.js";
import { StreamResponse } from "../http/streamed-body.js";
import { findSession, openTape } from "../sessions/session-access.js";
import { changeLines } from "../tapes/book-changes.js";
import { eventLines } from "../tapes/event-lines.js";
import { type BookPlace, bookAt, placeOfSeq } from "../tapes/full-book.js";
import { checkMayRead, openReadable } from "../tapes/tape-access.js";
import { tapeParams } from "./tapes.js";

const tag = "Event track";
const parquet = "application/vnd.apache.parquet";
const ndjson = "application/x-ndjson";

const files: Readonly<Record<StoredTrackFile, string>> = {
  trades: "Trades of a tape as its source said them, as Parquet",
  book: "Level changes of a tape's book as its source said them, as Parquet",
  snapshots: "Whole books of a tape, written now and then, as Parquet",
  orders: "What happened to each order of a tape, if its source says so, as Parquet",
};

/** What the source of a tape said, beyond the frames. */
export const trackRoutes: readonly Route[] = [
  ...storedTrackFiles.map((file) =>
    route({
      ...noInput,
      method: "GET",
      path: `/tapes/{id}/${file}.parquet`,
      tag,
      summary: files[file],
      params: tapeParams,
      mediaType: parquet,
      isFile: true,
      answer: z.file(),
      refusals: ["TAPE_NOT_FOUND", "TRACK_NOT_FOUND", "TAPE_DAMAGED"],
      async handle({ params: { id }, caller }, api) {
        await checkMayRead(api, id, caller);
        return new FileResponse(parquet, await api.tapes.trackFile(id, file));
      },
    }),
  ),
  route({
    ...noInput,
    method: "GET",
    path: "/tapes/{id}/events",
    tag,
    summary: "Events of a tape as its source said them: a line of JSON for each level change and each trade",
    params: tapeParams,
    query: eventsQuery,
    mediaType: ndjson,
    answer: trackLine,
    refusals: ["TAPE_NOT_FOUND", "TRACK_NOT_FOUND", "TAPE_DAMAGED", "TOO_MANY_REQUESTS"],
    async handle({ params: { id }, query, caller }, api) {
      const tape = await openReadable(api, id, caller);
      const from = placeOf(query.from_n, query.from_seq, query.from_ts);
      const to = placeOf(query.to_n, query.to_seq, query.to_ts);
      checkEnds(tape, { from, to });
      const lines = eventLines(trackOf(tape), tape, { from, to }, query.limit);
      return new StreamResponse(ndjson, api.streams.counted(caller.requester.user, lines));
    },
  }),
  route({
    ...noInput,
    method: "GET",
    path: "/tapes/{id}/book",
    tag,
    summary: "The whole book of a tape, as far as it is known, at a frame or a time",
    params: tapeParams,
    query: bookQuery,
    answer: fullBook,
    refusals: ["TAPE_NOT_FOUND", "TRACK_NOT_FOUND", "TAPE_DAMAGED", "TOO_MANY_REQUESTS"],
    async handle({ params: { id }, query: { seq, ts, depth }, caller }, api) {
      const tape = await openReadable(api, id, caller);
      const at = ts === undefined ? await placeOfSeq(tape, checkedSeq(tape, seq)) : await placeOfTime(tape, ts);
      return api.searches.run(caller.requester, () => bookAt(tape, at, depth));
    },
  }),
  route({
    ...noInput,
    method: "GET",
    path: "/tapes/{id}/book/changes",
    tag,
    summary: "The whole book of a tape at a frame, and then what each frame changes in it, as lines of JSON",
    params: tapeParams,
    query: bookChangesQuery,
    mediaType: ndjson,
    answer: bookChanges,
    refusals: ["TAPE_NOT_FOUND", "TRACK_NOT_FOUND", "TAPE_DAMAGED", "TOO_MANY_REQUESTS"],
    async handle({ params: { id }, query: { from_seq, to_seq, whole }, caller }, api) {
      const tape = await openReadable(api, id, caller);
      // A growing tape may have lost its first frames since the client has heard of it.
      const from = checkedSeq(tape, Math.max(from_seq, tape.span.firstSeq), "from_seq");
      const to = checkedSeq(tape, to_seq, "to_seq");
      const track = await pinnedTrackOf(tape, { seq: to + 1 });
      const lines = changeLines(track, { from, to, whole, finished: !tape.span.growing });
      return new StreamResponse(ndjson, api.streams.counted(caller.requester.user, lines));
    },
  }),
  route({
    ...noInput,
    method: "GET",
    path: "/sessions/{id}/book",
    tag,
    summary: "The whole book at a session's playhead, as far as it is known",
    params: sessionParams,
    query: sessionBookQuery,
    answer: sessionBookAnswer,
    refusals: ["SESSION_NOT_FOUND", "NO_TAPE", "TRACK_NOT_FOUND", "TAPE_DAMAGED", "TOO_MANY_REQUESTS"],
    async handle({ params: { id }, query: { depth }, caller }, api) {
      const found = await findSession(api, id, caller);
      if (found === undefined) return {};
      const tape = await openTape(api, found.record);
      if (tape === undefined) throw new RefusedError(refuse("NO_TAPE", `Session ${id} has no tape yet.`));
      const { seq } = await positionAt(found.record, found.now, tape);
      const at = await placeOfSeq(tape, seq);
      return api.searches.run(caller.requester, () => bookAt(tape, at, depth));
    },
  }),
];

/** Events that are made on request need both ends, in whichever of the parameters. @throws RangeRefused */
function checkEnds({ id, longestRangeNs }: Tape, range: TrackRange): void {
  if (longestRangeNs === undefined) return;
  for (const end of ["from", "to"] as const) {
    if (range[end] !== undefined) continue;
    throw new RangeRefused(id, `${end}_n`, `one of ${end}_n, ${end}_seq and ${end}_ts is required`);
  }
}

/** The place that a query names; undefined if it names none. */
function placeOf(n: number | undefined, seq: Seq | undefined, ts: string | undefined): TrackPlace | undefined {
  if (n !== undefined) return { n };
  if (seq !== undefined) return { seq };
  return ts === undefined ? undefined : { ts: timeOf(ts) };
}

function checkedSeq({ id, span: { firstSeq, lastSeq } }: Tape, seq: Seq = -1, name = "seq"): Seq {
  if (seq >= firstSeq && seq <= lastSeq) return seq;
  throw new RefusedError(refuse("INVALID_VALUE", `${name}: must be from ${firstSeq} to ${lastSeq} on tape ${id}.`));
}

/** The book with all events up to a time. */
async function placeOfTime(tape: Tape, ts: string): Promise<BookPlace> {
  const { id, startNs, span } = tape;
  const time = timeOf(ts);
  const ns = Number(time - startNs);
  if (ns >= span.firstNs && ns <= span.lastNs) return { place: { ts: time }, seq: await tape.seqAt(ns), ts };
  const [from, to] = [tape.iso(span.firstNs), tape.iso(span.lastNs)];
  throw new RefusedError(refuse("INVALID_VALUE", `ts: must be from ${from} to ${to} on tape ${id}.`));
}

/** Nanoseconds since 1970. The schema of the query has let only times through. */
function timeOf(ts: string): bigint {
  return nsOfIso(ts) ?? 0n;
}
