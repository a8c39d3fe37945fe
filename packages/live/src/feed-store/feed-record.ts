import type { FeedStatus, TimeDecimals, WallMs } from "@tapedeck/protocol";
import type { Seq } from "@tapedeck/tape";
import { z } from "zod";

/** A feed's hash, field for field; `docs/keyspace.md` describes each. */
export interface FeedRecord {
  readonly source: string;
  readonly symbol: string;
  /** Grows with each change, except for a new frame. */
  readonly rev: number;
  /** Grows with each claim; roughly its time. */
  readonly claim: number;
  /** The token of the writer that may append; empty for none. */
  readonly owner: string;
  readonly node: string;
  readonly seenMs: WallMs;
  readonly status: FeedStatus["status"];
  readonly reason: string;
  readonly since: WallMs;
  /** `id@1` of the growing tape; empty without one. The fields below describe it. */
  readonly tape: string;
  readonly startNs: bigint;
  readonly decimals: TimeDecimals;
  readonly priceDecimals: number;
  readonly sizeDecimals: number;
  /** Null if frames come at irregular intervals. */
  readonly intervalMs: number | null;
  /** Version of the analytics in its frames; 0 for none. */
  readonly analyticsVersion: number;
  readonly firstSeq: Seq;
  /** The last frame in the tape store; -1 for none. */
  readonly storedSeq: Seq;
  readonly lastSeq: Seq;
  /** Segments in the tape store. */
  readonly segmentCount: number;
}

/** The fields of a feed without a tape. */
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
  segmentCount: 0,
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
      segmentCount: hash.parts,
    }),
  );

/** Undefined for an incomplete hash, which counts as none. */
export function decodeFeedRecord(hash: Readonly<Record<string, string>>): FeedRecord | undefined {
  return shape.safeParse(hash).data;
}

/** The hash fields of a tape. */
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
    parts: tape.segmentCount,
  };
}
