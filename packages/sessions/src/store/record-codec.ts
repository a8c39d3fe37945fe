import { mode, tradeEvent } from "@tapedeck/protocol";
import { z } from "zod";
import type { SessionRecord } from "../rules/record.js";
import { HashReader, type SessionHash } from "./hash-reader.js";
import { decodeKeptMode, decodePlayback, encodeKeptMode, encodePlayback } from "./playback-codec.js";

const gapPolicy = z.enum(["skip", "keep"]);
const feedState = z.enum(["connecting", "up", "down"]);

/** The hash of a session, field for field; `docs/keyspace.md` describes each. */
export function encodeRecord(record: SessionRecord) {
  return {
    // What checkpoints read and write comes first: Redis looks through so small a hash from its beginning.
    rev: `${record.rev}`,
    published_seq: `${record.publishedSeq}`,
    ticker_seen_ms: `${record.tickerSeenMs}`,
    id: record.id,
    user_id: record.userId,
    mode: record.mode,
    ...encodePlayback(record),
    epoch: `${record.epoch}`,
    epoch_from_seq: `${record.epochFromSeq}`,
    anchor_wall_ts: `${record.anchorWallMs}`,
    gaps: record.gaps,
    max_fps: `${record.maxFps}`,
    ticker: record.ticker,
    parked: record.parked ? "1" : "0",
    feed: record.feed?.status ?? "",
    feed_reason: record.feed?.reason ?? "",
    orders: `${record.orders}`,
    last_fill: record.lastFill === null ? "" : JSON.stringify(record.lastFill),
    kept_replay: encodeKeptMode(record.kept.REPLAY),
    kept_live: encodeKeptMode(record.kept.LIVE),
    kept_simulation: encodeKeptMode(record.kept.SIMULATION),
    created_at: `${record.createdAt}`,
    last_activity: `${record.lastActivity}`,
    ttl: `${record.ttl}`,
    created_by: record.createdBy,
  };
}

export type SessionField = keyof ReturnType<typeof encodeRecord>;

/** Throws `UnreadableSession` naming the field. Fields it doesn't know are left alone: a newer release may have written them. */
export function decodeRecord(hash: SessionHash): SessionRecord {
  const read = new HashReader(hash);
  return {
    id: read.text("id"),
    userId: read.text("user_id"),
    mode: read.oneOf("mode", mode),
    ...decodePlayback(read),
    epoch: read.number("epoch"),
    epochFromSeq: read.number("epoch_from_seq"),
    rev: read.number("rev"),
    anchorWallMs: read.number("anchor_wall_ts"),
    publishedSeq: read.number("published_seq"),
    gaps: read.oneOf("gaps", gapPolicy),
    maxFps: read.number("max_fps"),
    ticker: read.text("ticker"),
    tickerSeenMs: read.number("ticker_seen_ms"),
    parked: read.flag("parked"),
    feed: read.text("feed") === "" ? null : feedOf(read.oneOf("feed", feedState), read.text("feed_reason")),
    orders: read.numberOr("orders", 0),
    lastFill: read.jsonOr("last_fill", tradeEvent, null),
    kept: {
      REPLAY: decodeKeptMode(hash.kept_replay),
      LIVE: decodeKeptMode(hash.kept_live),
      SIMULATION: decodeKeptMode(hash.kept_simulation),
    },
    createdAt: read.number("created_at"),
    lastActivity: read.number("last_activity"),
    ttl: read.number("ttl"),
    createdBy: read.text("created_by"),
  };
}

const hashSchema = z.record(z.string(), z.string());

/** The session in the body of an S message. */
export function decodeState(json: string): SessionRecord {
  return decodeRecord(hashSchema.parse(JSON.parse(json)));
}

/** Characters of the field at least: only the end has to be looked at. */
const traceEnd = 80;

/** The trace of the command that led to the state in the body of an S message; undefined where it is not traced. */
export function traceOf(json: string): string | undefined {
  return /,"trace":"([0-9a-f-]{55})"\}$/.exec(json.slice(-traceEnd))?.[1];
}

function feedOf(status: z.infer<typeof feedState>, reason: string) {
  return reason === "" ? { status } : { status, reason };
}

/**
 * The fields that a change has to write. Checkpoints write `published_seq` and `ticker_seen_ms` without raising rev, so those
 * two may have moved since `before` was read: the first is written whenever the anchor is, the second only with the ticker.
 */
export function changedFields(before: SessionRecord, after: SessionRecord): Record<string, string> {
  const old: SessionHash = encodeRecord(before);
  const anchored = before.anchorWallMs !== after.anchorWallMs || before.epoch !== after.epoch;
  const handedOver = before.ticker !== after.ticker || before.tickerSeenMs !== after.tickerSeenMs;
  return Object.fromEntries(
    Object.entries(encodeRecord(after)).filter(([field, value]) => {
      if (field === "published_seq" && anchored) return true;
      if (field === "ticker_seen_ms" && handedOver) return true;
      return old[field] !== value;
    }),
  );
}

/** A hash as scripts take it: field, value, field, value, ... */
export function flattenHash(hash: SessionHash): string[] {
  return Object.entries(hash).flat();
}

/** A hash as scripts return it. */
export function unflattenHash(fieldsAndValues: readonly string[]): SessionHash {
  const hash: Record<string, string> = {};
  for (let at = 0; at + 1 < fieldsAndValues.length; at += 2) {
    hash[fieldsAndValues[at] ?? ""] = fieldsAndValues[at + 1] ?? "";
  }
  return hash;
}
