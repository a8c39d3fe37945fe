import type { FeedStatus, TimeDecimals, WallMs } from "@tapedeck/protocol";
import type { Seq } from "@tapedeck/tape";
import { z } from "zod";
import { claimTimeoutMs, type FeedState } from "./feed-state.js";
import type { LiveInstrument } from "./live-tape-id.js";

/** A feed's hash, field for field; `docs/keyspace.md` describes each. */
export interface FeedRecord {
  readonly source: string;
  readonly symbol: string;
  /** Grows with each change, but not with each frame. */
  readonly rev: number;
  /** Grows with each claim, and is about the time of it. */
  readonly claim: number;
  /** The token of the writer that may append; empty for none. */
  readonly owner: string;
  readonly node: string;
  readonly seenMs: WallMs;
  readonly status: FeedStatus["status"];
  readonly reason: string;
  readonly since: WallMs;
  /** `id@1` of the tape that is growing; empty for none. All below is about it. */
  readonly tape: string;
  readonly startNs: bigint;
  readonly decimals: TimeDecimals;
  readonly priceDecimals: number;
  readonly sizeDecimals: number;
  /** Null: no fixed one. */
  readonly intervalMs: number | null;
  /** Of the analytics in its frames; 0 for none. */
  readonly analyticsVersion: number;
  readonly firstSeq: Seq;
  /** The last frame that lies in the tape store; -1 for none. */
  readonly storedSeq: Seq;
  readonly lastSeq: Seq;
  /** Parts in the tape store. */
  readonly segments: number;
}

/** No tape. */
export const noTape = {
  tape: "",
  startNs: 0n,
  decimals: 3,
  priceDecimals: 0,
  sizeDecimals: 0,
  intervalMs: null,
  analyticsVersion: 0,
  firstSeq: 0,
  storedSeq: -1,
  lastSeq: -1,
  segments: 0,
} as const satisfies Partial<FeedRecord>;

const whole = z.coerce.number().int();
const shape = z
  .object({
    source: z.string().min(1),
    symbol: z.string().min(1),
    rev: whole,
    claim: whole,
    owner: z.string(),
    node: z.string(),
    seen_ms: whole,
    status: z.enum(["connecting", "up", "down"]),
    reason: z.string(),
    since: whole,
    tape: z.string(),
    start_ns: z.string().regex(/^\d{1,20}$/),
    decimals: z.enum(["3", "6", "9"]),
    price_decimals: whole,
    size_decimals: whole,
    interval_ms: z.string(),
    analytics_version: whole,
    first_seq: whole,
    stored_seq: whole,
    last_seq: whole,
    parts: whole,
  })
  .transform(
    (hash): FeedRecord => ({
      source: hash.source,
      symbol: hash.symbol,
      rev: hash.rev,
      claim: hash.claim,
      owner: hash.owner,
      node: hash.node,
      seenMs: hash.seen_ms,
      status: hash.status,
      reason: hash.reason,
      since: hash.since,
      tape: hash.tape,
      startNs: BigInt(hash.start_ns),
      decimals: hash.decimals === "3" ? 3 : hash.decimals === "6" ? 6 : 9,
      priceDecimals: hash.price_decimals,
      sizeDecimals: hash.size_decimals,
      intervalMs: hash.interval_ms === "" ? null : Number(hash.interval_ms),
      analyticsVersion: hash.analytics_version,
      firstSeq: hash.first_seq,
      storedSeq: hash.stored_seq,
      lastSeq: hash.last_seq,
      segments: hash.parts,
    }),
  );

/** Undefined for a hash that no release of Tapedeck wrote whole: as good as none. */
export function decodeFeedRecord(hash: Readonly<Record<string, string>>): FeedRecord | undefined {
  return shape.safeParse(hash).data;
}

/** A feed as it was read at `now`. What nobody writes any more is being looked after. */
export function feedStateOf(record: FeedRecord, now?: WallMs): FeedState {
  const { source, symbol, node, rev, seenMs, since } = record;
  const unattended = record.owner === "" || (now !== undefined && now - seenMs >= claimTimeoutMs);
  const status: FeedStatus =
    unattended && record.status !== "down"
      ? { status: "connecting", reason: "No worker has this feed at the moment; one is asked for." }
      : { status: record.status, ...(record.reason !== "" && { reason: record.reason }) };
  const tape = record.lastSeq < 0 ? "" : record.tape;
  return { source, symbol, tape, status, since, node: record.owner === "" ? "" : node, rev, seenMs };
}

/** A feed that no worker has taken since it came, or came back. */
export function unclaimedFeed({ source, symbol }: LiveInstrument, now: WallMs): FeedState {
  const status: FeedStatus = { status: "connecting", reason: "No worker has taken this feed yet; one is asked for." };
  return { source, symbol, tape: "", status, since: Math.floor(now), node: "", rev: 0, seenMs: 0 };
}

/** The fields of a tape, as they go into the hash. */
export function tapeFields(tape: Omit<FeedRecord, Exclude<keyof FeedRecord, keyof typeof noTape>>) {
  return {
    tape: tape.tape,
    start_ns: `${tape.startNs}`,
    decimals: tape.decimals,
    price_decimals: tape.priceDecimals,
    size_decimals: tape.sizeDecimals,
    interval_ms: tape.intervalMs ?? "",
    analytics_version: tape.analyticsVersion,
    first_seq: tape.firstSeq,
    stored_seq: tape.storedSeq,
    last_seq: tape.lastSeq,
    parts: tape.segments,
  };
}
