import type { FeedStatus, WallMs } from "@tapedeck/protocol";

/** A feed as the cluster knows it. */
export interface FeedState {
  readonly source: string;
  readonly symbol: string;
  /** `id@1` of the tape that is growing; empty while there is none, or none with a frame. */
  readonly tape: string;
  readonly status: FeedStatus;
  /** When this status began, on Redis's clock. */
  readonly since: WallMs;
  /** The node whose feed writes it; empty when nobody does. */
  readonly node: string;
  /** Grows with every change of the feed's hash; what has a lower one is older. */
  readonly rev: number;
  /** When its writer was last heard of, on Redis's clock. A claim is dead `claimDeadMs` after that. */
  readonly seenMs: WallMs;
}

/** A writer says that it lives at least once a second; after this long without that its claim counts no more. */
export const claimTimeoutMs = 5_000;

export function isClaimed({ node, seenMs }: FeedState, now: WallMs): boolean {
  return node !== "" && now - seenMs < claimTimeoutMs;
}
