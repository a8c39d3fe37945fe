import type { SessionRecord } from "./rules/record.js";

/** The session that asks for a feed, and whose share of the feeds that counts against. */
export interface FeedUser {
  readonly session: string;
  readonly owner: string;
}

/** A session counts for its user; else for the address that created it, and `global`, which everyone shares, for itself. */
export function feedUserOf({ id, userId, createdBy }: Pick<SessionRecord, "id" | "userId" | "createdBy">): FeedUser {
  if (userId !== "") return { session: id, owner: `user ${userId}` };
  return { session: id, owner: createdBy === "" ? `session ${id}` : `address ${createdBy}` };
}

/** The feeds of the cluster, as far as the deck has to do with them; `LiveTapes` of packages/live is one. */
export interface Feeds {
  /**
   * Has the feed of an instrument run for a while from now, for this session; what the session asked for before, it has left then.
   * Rejects with `INVALID_VALUE` for a symbol that the venue does not list, and with `TOO_MANY_INSTRUMENTS`.
   */
  requestFeed(source: string, symbol: string, user: FeedUser): Promise<void>;
  /** The session needs no feed any more. */
  releaseFeed(user: FeedUser): Promise<void>;
  /** The tape that it makes at this moment, `id@version`, as Redis knows it; empty while there is none. */
  tapeOf(source: string, symbol: string): Promise<string>;
}

/** A cluster without feeds: in LIVE nothing comes. */
export const noFeeds: Feeds = {
  requestFeed: async () => {},
  releaseFeed: async () => {},
  tapeOf: async () => "",
};
