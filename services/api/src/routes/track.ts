import {
  bookChanges,
  bookChangesQuery,
  bookQuery,
  eventsQuery,
  fullBook,
  RefusedError,
  refuse,
  sessionBookAnswer,
  sessionBookQuery,
  sessionParams,
  trackLine,
} from "@tapedeck/protocol";
import { positionAt, type SessionRecord } from "@tapedeck/sessions";
import type { Tape } from "@tapedeck/tape";
import type { Api } from "../api.js";
import type { Caller } from "../auth/caller.js";
import { noInput, type Route, route } from "../http/route.js";
import { StreamResponse } from "../http/streamed-body.js";
import { findSession, openTape } from "../sessions/session-access.js";
import { bookAt, placeOfSeq } from "../tapes/full-book.js";
import { openReadable } from "../tapes/tape-access.js";
import { changesOf, checkedSeq, eventsOf, placeOfTime } from "../tapes/track-ranges.js";
import { tapeParams } from "./tapes.js";

const tag = "Event track";
const ndjson = "application/x-ndjson";

/** What the source of a tape said, beyond the frames. */
export const trackRoutes: readonly Route[] = [
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
      const lines = eventsOf(await openReadable(api, id, caller), query);
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
      const lines = await changesOf(await openReadable(api, id, caller), { from_seq, to_seq, whole });
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
      const tape = await tapeOf(api, found.record);
      const { seq } = await positionAt(found.record, found.now, tape);
      const at = await placeOfSeq(tape, seq);
      return api.searches.run(caller.requester, () => bookAt(tape, at, depth));
    },
  }),
  route({
    ...noInput,
    method: "GET",
    path: "/sessions/{id}/book/changes",
    tag,
    summary: "The same as of a tape, of the one that a session plays, with its user's orders",
    params: sessionParams,
    query: bookChangesQuery,
    mediaType: ndjson,
    answer: bookChanges,
    refusals: ["SESSION_NOT_FOUND", "NO_TAPE", "TRACK_NOT_FOUND", "TAPE_DAMAGED", "TOO_MANY_REQUESTS"],
    async handle({ params: { id }, query, caller }, api) {
      const lines = await changesOf(await sessionTape(api, id, caller), query);
      return new StreamResponse(ndjson, api.streams.counted(caller.requester.user, lines));
    },
  }),
  route({
    ...noInput,
    method: "GET",
    path: "/sessions/{id}/events",
    tag,
    summary: "The same as of a tape, of the one that a session plays, with its user's orders",
    params: sessionParams,
    query: eventsQuery,
    mediaType: ndjson,
    answer: trackLine,
    refusals: ["SESSION_NOT_FOUND", "NO_TAPE", "TRACK_NOT_FOUND", "TAPE_DAMAGED", "TOO_MANY_REQUESTS"],
    async handle({ params: { id }, query, caller }, api) {
      const lines = eventsOf(await sessionTape(api, id, caller), query);
      return new StreamResponse(ndjson, api.streams.counted(caller.requester.user, lines));
    },
  }),
];

async function tapeOf(api: Api, record: SessionRecord): Promise<Tape> {
  const tape = await openTape(api, record);
  if (tape === undefined) throw new RefusedError(refuse("NO_TAPE", `Session ${record.id} has no tape yet.`));
  return tape;
}

/** The tape that a session plays, for a caller who may view the session. */
async function sessionTape(api: Api, id: string, caller: Caller): Promise<Tape> {
  const found = await findSession(api, id, caller);
  if (found === undefined) throw new RefusedError(refuse("NO_TAPE", `Session ${id} has no tape yet.`));
  return tapeOf(api, found.record);
}
