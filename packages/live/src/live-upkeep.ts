import type { WallMs } from "@tapedeck/protocol";
import type { LiveState } from "./live-state.js";

/** A feed as upkeep looks at it. */
export interface FeedStanding {
  readonly state: LiveState;
  /** On Redis's clock; 0 where nobody has wanted it for long. */
  readonly wantedUntil: WallMs;
  readonly wanted: boolean;
  /** A writer holds it and lives. */
  readonly claimed: boolean;
}

/** What has to be looked after now and then, by any node that runs feeds. Nothing here needs a claim. */
export interface LiveUpkeep {
  /** All feeds that are wanted, or have something in Redis. */
  standings(): Promise<FeedStanding[]>;
  /**
   * Makes ordinary tapes of parts that no feed goes on with: a feed has ended, or Redis has lost its tape. Resolves to their
   * ids. Safe to do anywhere at any time.
   */
  finishOrphans(): Promise<string[]>;
}
