import type { SessionRecord } from "./rules/record.js";

/** The session that requests a feed, and the owner whose share of the feeds that counts against. */
export interface FeedUser {
  readonly session: string;
  readonly owner: string;
}

/** A session counts for its user, or else for the address that created it; `global`, which all share, for itself. */
export function feedUserOf({ id, userId, createdBy }: Pick<SessionRecord, "id" | "userId" | "createdBy">): FeedUser {
  if (userId !== "") return { session: id, owner: `user ${userId}` };
  return { session: id, owner: createdBy === "" ? `session ${id}` : `address ${createdBy}` };
}

/** The feeds of the cluster, as far as sessions need them; `LiveTapes` of packages/live is one. */
export interface Feeds {
  /**
   * Requests the feed of an instrument for this session, for a while from now, in place of any that the session requested before.
   * Rejects with `INVALID_VALUE` for a symbol that the venue does not list, and with `TOO_MANY_INSTRUMENTS`.
   */
  requestFeed(source: string, symbol: string, user: FeedUser): Promise<void>;
  /** The session no longer needs a feed. */
  releaseFeed(user: FeedUser): Promise<void>;
  /** The feed's current tape, `id@version`, from Redis; empty if there is none. */
  tapeOf(source: string, symbol: string): Promise<string>;
}

/** A cluster without feeds: LIVE sessions get no frames. */
export const noFeeds: Feeds = {
  requestFeed: async () => {},
  releaseFeed: async () => {},
  tapeOf: async () => "",
};
