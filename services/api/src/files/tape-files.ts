import { createHash } from "node:crypto";
import type { Requester } from "@tapedeck/sessions";
import {
  type ExportContent,
  type NamedTape,
  OrdersNotFound,
  pinnedTrackOf,
  type StoredTrackFile,
  storedTrackFiles,
  type Tape,
} from "@tapedeck/tape";
import type { Api } from "../api.js";
import type { FileContent, FileRequest } from "../http/file-response.js";
import { type FileIdentity, identityIn, tagOf } from "./file-identity.js";
import { type FileQuery, framesOf, isWhole } from "./file-range.js";

/** What is asked for. */
export interface FileWish {
  /** Of the tape, with or without a version. */
  readonly id: string;
  readonly content: ExportContent;
  readonly query: FileQuery;
  /** Of bars, in nanoseconds; 0 of others. */
  readonly intervalNs: bigint;
  readonly requester: Requester;
}

/** The events of a frame may come so much later than the frame. */
const eventsWithinNs = 2e9;

/**
 * The file that a request gets: one that is stored, or one that is made. Rejects as opening the tape does, with INVALID_VALUE for a range without a
 * frame, and with TRACK_NOT_FOUND.
 */
export async function tapeFile(api: Api, wish: FileWish, request: FileRequest): Promise<FileContent> {
  const { id, content, query, requester } = wish;
  const stored = isStored(content) && isWhole(query) ? content : undefined;
  if (stored && api.tapes.kindOf(id) === "recorded") return api.tapes.trackFile(id, stored);
  const named = await api.tapes.openNamed(id);
  const { tape } = named;
  const make = (identity: FileIdentity): FileContent =>
    api.files.get(tagOf(identity), requester, (encoders) => encoders.encode(tape, identity));
  if (named.kind === "live") {
    const pinned = await pinnedFile(api, wish, named, request);
    if (pinned !== undefined) return make(pinned);
  }
  if (stored && named.kind !== "simulated") return api.tapes.trackFile(id, stored);
  return make(await identityOf(named, wish));
}

function isStored(content: ExportContent): content is ExportContent & StoredTrackFile {
  return storedTrackFiles.some((stored) => stored === content);
}

/** The file as it is now. */
async function identityOf(named: NamedTape, { content, query, intervalNs }: FileWish): Promise<FileIdentity> {
  const { tape } = named;
  const { priceDecimals, sizeDecimals } = tape.precision;
  const decimals = isStored(content) ? await decimalsOf(tape, content) : undefined;
  const lastSeq = isStored(content) ? await lastWithEvents(tape) : tape.span.lastSeq;
  return {
    ...{ content, intervalNs, tape: nameOf(named), decimals },
    range: await framesOf(tape, query, lastSeq),
    whole: false,
    precision: { priceDecimals, sizeDecimals },
  };
}

/** Rejects with TRACK_NOT_FOUND. */
async function decimalsOf(tape: Tape, content: ExportContent) {
  const track = await pinnedTrackOf(tape);
  if (content === "orders" && track.orders === undefined) throw new OrdersNotFound(tape.id);
  return track.decimals;
}

/** The last frame whose events are on the track, even if another node looks. */
async function lastWithEvents(tape: Tape): Promise<number> {
  const { growing, firstNs, firstSeq, lastNs, lastSeq } = tape.span;
  if (!growing) return lastSeq;
  const ns = lastNs - eventsWithinNs;
  return ns < firstNs ? firstSeq : tape.seqAt(ns);
}

/** Short, and without characters that tags use. */
function nameOf({ content }: NamedTape): string {
  return createHash("sha256").update(content).digest("hex").slice(0, 16);
}

/** The file of a tape that grows, or did when the client began; undefined if it does not grow any more, and the client begins now. */
async function pinnedFile(
  api: Api,
  wish: FileWish,
  named: NamedTape,
  { tags, continues }: FileRequest,
): Promise<FileIdentity | undefined> {
  const { content, query, intervalNs, requester } = wish;
  const { tape } = named;
  const { firstSeq, lastSeq } = tape.span;
  const known = (tag: string): FileIdentity | undefined => {
    const identity = identityIn(tag, { content, intervalNs, tape: nameOf(named) });
    // What retention has erased cannot be made again.
    return identity && identity.range.from >= firstSeq && identity.range.to <= lastSeq ? identity : undefined;
  };
  for (const tag of tags) {
    const identity = known(tag);
    if (identity !== undefined) return identity;
  }
  const { from_seq, from_ts, to_seq, to_ts } = query;
  const reader = [requester.user, tape.id, content, intervalNs, from_seq, from_ts, to_seq, to_ts].join(" ");
  const newest = async () => tagOf(await identityOf(named, wish));
  if (continues) {
    const identity = known((await api.pins.goOn(reader)) ?? "");
    if (identity !== undefined) return identity;
  }
  if (!tape.span.growing) return undefined;
  return known(await api.pins.begin(reader, newest)) ?? identityOf(named, wish);
}
