import { deckState, mode, type TradeEvent, tradeEvent } from "@tapedeck/protocol";
import { z } from "zod";
import type { SessionRecord } from "./record.js";

/** A session's hash as Redis returns it. */
export type SessionHash = Readonly<Record<string, string>>;

const gapPolicy = z.enum(["skip", "keep"]);
const feedState = z.enum(["connecting", "up", "down"]);

/** A hash that no release of Tapedeck wrote: a field is missing or holds what it cannot hold. */
export class UnreadableSession extends Error {
  override readonly name = "UnreadableSession";

  constructor(id: string | undefined, field: string, found: string | undefined) {
    super(`session ${id ?? "without id"}: field ${field} ${found === undefined ? "is missing" : `holds "${found}"`}`);
  }
}

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
    state: record.state,
    reason: record.reason,
    speed: `${record.speed}`,
    symbol: record.symbol,
    source: record.source,
    tape: record.tape,
    seed: record.seed,
    scenario: record.scenario,
    epoch: `${record.epoch}`,
    epoch_from_seq: `${record.epochFromSeq}`,
    anchor_wall_ts: `${record.anchorWallMs}`,
    anchor_tape_ts: `${record.anchorNs}`,
    anchor_seq: `${record.anchorSeq}`,
    from_ns: record.fromNs === null ? "" : `${record.fromNs}`,
    to_ns: record.toNs === null ? "" : `${record.toNs}`,
    loop: record.loop ? "1" : "0",
    gaps: record.gaps,
    max_fps: `${record.maxFps}`,
    history_from_seq: `${record.historyFromSeq}`,
    ticker: record.ticker,
    parked: record.parked ? "1" : "0",
    edge: record.edge ? "1" : "0",
    feed: record.feed?.status ?? "",
    feed_reason: record.feed?.reason ?? "",
    position: `${record.account.position}`,
    average_price: `${record.account.average_price ?? ""}`,
    realized_pnl: `${record.account.realized_pnl}`,
    orders: `${record.orders}`,
    order_seq: `${record.orderSeq ?? ""}`,
    last_fill: record.lastFill === null ? "" : JSON.stringify(record.lastFill),
    created_at: `${record.createdAt}`,
    last_activity: `${record.lastActivity}`,
    ttl: `${record.ttl}`,
    created_by: record.createdBy,
  };
}

export type SessionField = keyof ReturnType<typeof encodeRecord>;

/** Throws `UnreadableSession` naming the field. Fields it doesn't know are left alone: a newer release may have written them. */
export function decodeRecord(hash: SessionHash): SessionRecord {
  const wrong = (field: SessionField): never => {
    throw new UnreadableSession(hash.id, field, hash[field]);
  };
  const text = (field: SessionField): string => hash[field] ?? wrong(field);
  const number = (field: SessionField): number => {
    const value = Number(text(field) || Number.NaN);
    return Number.isFinite(value) ? value : wrong(field);
  };
  const flag = (field: SessionField): boolean => text(field) === "1";
  const oneOf = <T extends string>(field: SessionField, allowed: z.ZodType<T>): T => {
    const result = allowed.safeParse(text(field));
    return result.success ? result.data : wrong(field);
  };
  // Of a hash from before there were orders.
  const numberOr = <T>(field: SessionField, without: T): number | T => (hash[field] ? number(field) : without);
  const fill = (): TradeEvent | null => {
    if (!hash.last_fill) return null;
    const result = tradeEvent.safeParse(parsed(hash.last_fill));
    return result.success ? result.data : wrong("last_fill");
  };
  return {
    id: text("id"),
    userId: text("user_id"),
    mode: oneOf("mode", mode),
    state: oneOf("state", deckState),
    reason: text("reason"),
    speed: number("speed"),
    symbol: text("symbol"),
    source: text("source"),
    tape: text("tape"),
    seed: text("seed"),
    scenario: text("scenario"),
    epoch: number("epoch"),
    epochFromSeq: number("epoch_from_seq"),
    rev: number("rev"),
    anchorWallMs: number("anchor_wall_ts"),
    anchorNs: number("anchor_tape_ts"),
    anchorSeq: number("anchor_seq"),
    publishedSeq: number("published_seq"),
    fromNs: text("from_ns") === "" ? null : number("from_ns"),
    toNs: text("to_ns") === "" ? null : number("to_ns"),
    loop: flag("loop"),
    gaps: oneOf("gaps", gapPolicy),
    maxFps: number("max_fps"),
    historyFromSeq: number("history_from_seq"),
    ticker: text("ticker"),
    tickerSeenMs: number("ticker_seen_ms"),
    parked: flag("parked"),
    edge: flag("edge"),
    feed: text("feed") === "" ? null : feedOf(oneOf("feed", feedState), text("feed_reason")),
    account: {
      position: numberOr("position", 0),
      average_price: numberOr("average_price", null),
      realized_pnl: numberOr("realized_pnl", 0),
    },
    orders: numberOr("orders", 0),
    lastFill: fill(),
    orderSeq: numberOr("order_seq", null),
    createdAt: number("created_at"),
    lastActivity: number("last_activity"),
    ttl: number("ttl"),
    createdBy: text("created_by"),
  };
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
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
export function flattened(hash: SessionHash): string[] {
  return Object.entries(hash).flat();
}

/** A hash as scripts return it. */
export function unflattened(fieldsAndValues: readonly string[]): SessionHash {
  const hash: Record<string, string> = {};
  for (let at = 0; at + 1 < fieldsAndValues.length; at += 2) {
    hash[fieldsAndValues[at] ?? ""] = fieldsAndValues[at + 1] ?? "";
  }
  return hash;
}
