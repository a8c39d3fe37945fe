import { mode, playbackState, tradeEvent, type WallMs } from "@tapedeck/protocol";
import { z } from "zod";
import type { EndedEpoch } from "../rules/epochs.js";
import type { KeptMode, Lossless, SessionRecord } from "../rules/record.js";

/** A session's hash as Redis returns it. */
export type SessionHash = Readonly<Record<string, string>>;

const gapPolicy = z.enum(["skip", "keep"]);
const feedState = z.enum(["connecting", "up", "down"]);

const actionChain = z.object({ root: z.int(), head: z.int(), tag: z.string(), ns: z.number() });

/** A session as it was at Redis time `now`. */
export interface StoredSession {
  readonly record: SessionRecord;
  readonly now: WallMs;
  /** Sockets on it, on all gateways. */
  readonly connections: number;
}

/** The hash of a session, field for field; `docs/keyspace.md` describes each. */
export function encodeRecord(record: SessionRecord) {
  return {
    // The fields of checkpoints come first: Redis searches a hash of this size from its beginning.
    rev: `${record.rev}`,
    published_seq: `${record.publishedSeq}`,
    ticker_seen_ms: `${record.tickerSeenMs}`,
    id: record.id,
    user_id: record.userId,
    mode: record.mode,
    ...encodePlayback(record),
    epoch: `${record.epoch}`,
    epoch_from_seq: `${record.epochFromSeq}`,
    recovered_epoch: `${record.recoveredEpoch}`,
    anchor_wall_ts: `${record.anchorWallMs}`,
    gaps: record.gaps,
    max_fps: `${record.maxFps}`,
    ...encodePace(record.lossless),
    ticker: record.ticker,
    parked: record.parked ? "1" : "0",
    feed: record.feed?.status ?? "",
    feed_reason: record.feed?.reason ?? "",
    orders: `${record.orders}`,
    last_fill: record.lastFill === null ? "" : JSON.stringify(record.lastFill),
    chain: record.chain === null ? "" : JSON.stringify(record.chain),
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

/** Throws `UnreadableSession` naming the field. Ignores unknown fields, which a newer release may have written. */
export function decodeRecord(hash: SessionHash): SessionRecord {
  const read = new HashReader(hash);
  return {
    id: read.text("id"),
    userId: read.text("user_id"),
    mode: read.oneOf("mode", mode),
    ...decodePlayback(read),
    epoch: read.number("epoch"),
    epochFromSeq: read.number("epoch_from_seq"),
    recoveredEpoch: read.numberOr("recovered_epoch", 0),
    rev: read.number("rev"),
    anchorWallMs: read.number("anchor_wall_ts"),
    publishedSeq: read.number("published_seq"),
    gaps: read.oneOf("gaps", gapPolicy),
    maxFps: read.number("max_fps"),
    lossless: hash.pace === "lossless" ? decodeLossless(read) : null,
    ticker: read.text("ticker"),
    tickerSeenMs: read.number("ticker_seen_ms"),
    parked: read.flag("parked"),
    feed: read.text("feed") === "" ? null : feedOf(read.oneOf("feed", feedState), read.text("feed_reason")),
    orders: read.numberOr("orders", 0),
    lastFill: read.jsonOr("last_fill", tradeEvent, null),
    chain: read.jsonOr("chain", actionChain, null),
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

function encodePace(lossless: Lossless | null) {
  const { window = 1, bounded = false } = lossless ?? {};
  return { pace: lossless === null ? "clock" : "lossless", window: `${window}`, bounded: bounded ? "1" : "0" };
}

function decodeLossless(read: HashReader): Lossless {
  return { window: read.number("window"), bounded: read.flag("bounded") };
}

const hashSchema = z.record(z.string(), z.string());

/** The session in the body of an S message. */
export function decodeState(json: string): SessionRecord {
  return decodeRecord(hashSchema.parse(JSON.parse(json)));
}

/** At least the length of the field `trace`, which is the last one: only the end of the JSON is searched. */
const traceTail = 80;

/** The trace of the command that led to the state in the body of an S message; undefined without tracing. */
export function traceOf(json: string): string | undefined {
  return /,"trace":"([0-9a-f-]{55})"\}$/.exec(json.slice(-traceTail))?.[1];
}

function feedOf(status: z.infer<typeof feedState>, reason: string) {
  return reason === "" ? { status } : { status, reason };
}

/**
 * The fields that a change must write. Checkpoints write `published_seq` and `ticker_seen_ms` without raising rev, so those two
 * may have changed since `before` was read: the first is written whenever the anchor is, the second only with the ticker.
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

/** What a mode keeps, as fields of a hash. Those of the current mode are fields of the session's own hash. */
function encodePlayback(playback: KeptMode) {
  return {
    state: playback.state,
    reason: playback.reason,
    speed: `${playback.speed}`,
    symbol: playback.symbol,
    source: playback.source,
    tape: playback.tape,
    seed: playback.seed,
    scenario: playback.scenario,
    anchor_tape_ts: `${playback.anchorNs}`,
    anchor_seq: `${playback.anchorSeq}`,
    from_ns: playback.fromNs === null ? "" : `${playback.fromNs}`,
    to_ns: playback.toNs === null ? "" : `${playback.toNs}`,
    loop: playback.loop ? "1" : "0",
    history_from_seq: `${playback.historyFromSeq}`,
    edge: playback.edge ? "1" : "0",
    position: `${playback.account.position}`,
    average_price: `${playback.account.average_price ?? ""}`,
    realized_pnl: `${playback.account.realized_pnl}`,
    order_seq: `${playback.orderSeq ?? ""}`,
  };
}

function decodePlayback(read: HashReader): KeptMode {
  return {
    state: read.oneOf("state", playbackState),
    reason: read.text("reason"),
    speed: read.number("speed"),
    symbol: read.text("symbol"),
    source: read.text("source"),
    tape: read.text("tape"),
    seed: read.text("seed"),
    scenario: read.text("scenario"),
    anchorNs: read.number("anchor_tape_ts"),
    anchorSeq: read.number("anchor_seq"),
    fromNs: read.text("from_ns") === "" ? null : read.number("from_ns"),
    toNs: read.text("to_ns") === "" ? null : read.number("to_ns"),
    loop: read.flag("loop"),
    historyFromSeq: read.number("history_from_seq"),
    edge: read.flag("edge"),
    account: {
      position: read.numberOr("position", 0),
      average_price: read.numberOr("average_price", null),
      realized_pnl: read.numberOr("realized_pnl", 0),
    },
    orderSeq: read.numberOr("order_seq", null),
  };
}

/** A kept mode as JSON of the fields that the session's hash had for it; empty for none. */
function encodeKeptMode(kept: KeptMode | null): string {
  return kept === null ? "" : JSON.stringify(encodePlayback(kept));
}

/** Null also for JSON that this release cannot read: that loses the kept mode, but not the session. */
function decodeKeptMode(text: string | undefined): KeptMode | null {
  const hash = hashSchema.safeParse(parseJson(text ?? ""));
  if (!hash.success) return null;
  try {
    return decodePlayback(new HashReader(hash.data));
  } catch (error) {
    if (error instanceof UnreadableSession) return null;
    throw error;
  }
}

const endedEpoch = z.object({
  epoch: z.int(),
  tape: z.string(),
  first: z.int(),
  last: z.int(),
  course: z
    .object({
      anchorWallMs: z.number(),
      anchorNs: z.number(),
      speed: z.number(),
      gaps: gapPolicy,
      toNs: z.number().nullable(),
    })
    .optional(),
  chain: actionChain.optional(),
  until: z.number().optional(),
});

export function decodeEpoch(text: string): EndedEpoch {
  return endedEpoch.parse(JSON.parse(text));
}

/** A hash that no release of Tapedeck wrote: a field is missing or has an invalid value. */
export class UnreadableSession extends Error {
  override readonly name = "UnreadableSession";

  constructor(id: string | undefined, field: string, found: string | undefined) {
    super(`session ${id ?? "without id"}: field ${field} ${found === undefined ? "is missing" : `holds "${found}"`}`);
  }
}

/** Reads the fields of a hash; throws `UnreadableSession` naming the field. */
class HashReader {
  readonly #hash: SessionHash;

  constructor(hash: SessionHash) {
    this.#hash = hash;
  }

  text(field: SessionField): string {
    return this.#hash[field] ?? this.#wrong(field);
  }

  number(field: SessionField): number {
    const value = Number(this.text(field) || Number.NaN);
    return Number.isFinite(value) ? value : this.#wrong(field);
  }

  /** For a field that may be empty, or absent because an older release wrote the hash. */
  numberOr<T>(field: SessionField, without: T): number | T {
    return this.#hash[field] ? this.number(field) : without;
  }

  /** The same for JSON. */
  jsonOr<T, U>(field: SessionField, schema: z.ZodType<T>, without: U): T | U {
    const json = this.#hash[field];
    if (!json) return without;
    const result = schema.safeParse(parseJson(json));
    return result.success ? result.data : this.#wrong(field);
  }

  flag(field: SessionField): boolean {
    return this.text(field) === "1";
  }

  oneOf<T extends string>(field: SessionField, allowed: z.ZodType<T>): T {
    const result = allowed.safeParse(this.text(field));
    return result.success ? result.data : this.#wrong(field);
  }

  #wrong(field: SessionField): never {
    throw new UnreadableSession(this.#hash.id, field, this.#hash[field]);
  }
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
