import type { FeedStatus, WallMs } from "@tapedeck/protocol";
import type { FeedRecord } from "./feed-record.js";
import type { LiveInstrument } from "./live-tape-id.js";

/** What the cluster knows of a feed. */
export interface FeedState {
  readonly source: string;
  readonly symbol: string;
  /** `id@1` of the growing tape; empty without one, or before its first frame. */
  readonly tape: string;
  readonly status: FeedStatus;
  /** When this status began, on Redis's clock. */
  readonly since: WallMs;
  /** The node that records it; empty without a claim. */
  readonly node: string;
  /** Grows with every change of the feed's hash: a state with a lower one is older. */
  readonly rev: number;
  /** When its writer last renewed the claim, on Redis's clock. The claim expires `claimTimeoutMs` later. */
  readonly seenMs: WallMs;
}

/** A feed with its demand, as maintenance and feed workers see it. */
export interface FeedSummary {
  readonly state: FeedState;
  /** On Redis's clock; 0 without recent demand. */
  readonly demandedUntil: WallMs;
  readonly demanded: boolean;
  /** In demand only for the rest of the linger time: every session that requested it has released it. */
  readonly lingering: boolean;
  /** A living writer holds the claim. */
  readonly claimed: boolean;
  /** Of the tape's newest frame; -1 without one. */
  readonly lastSeq: number;
}

/** A writer renews its claim at least once a second; without that for this long the claim has expired. */
export const claimTimeoutMs = 5_000;

export function isClaimed({ node, seenMs }: FeedState, now: WallMs): boolean {
  return node !== "" && now - seenMs < claimTimeoutMs;
}

/** @param now when the record was read; without it the claim counts as valid */
export function feedStateOf(record: FeedRecord, now?: WallMs): FeedState {
  const { source, symbol, node, rev, seenMs, since } = record;
  const unattended = record.owner === "" || (now !== undefined && now - seenMs >= claimTimeoutMs);
  const status: FeedStatus =
    unattended && record.status !== "down"
      ? { status: "connecting", reason: "No worker records this feed at the moment; one was requested." }
      : { status: record.status, ...(record.reason !== "" && { reason: record.reason }) };
  const tape = record.lastSeq < 0 ? "" : record.tape;
  return { source, symbol, tape, status, since, node: record.owner === "" ? "" : node, rev, seenMs };
}

/** The state of a feed without a hash: no worker has claimed it yet. */
export function unclaimedFeed({ source, symbol }: LiveInstrument, now: WallMs): FeedState {
  const status: FeedStatus = { status: "connecting", reason: "No worker has taken this feed yet; one was requested." };
  return { source, symbol, tape: "", status, since: Math.floor(now), node: "", rev: 0, seenMs: 0 };
}
