/** The feeds of the cluster, as far as the deck has to do with them; `LiveTapes` of packages/live is one. */
export interface Feeds {
  /** Has the feed of an instrument run for a while from now. */
  want(source: string, symbol: string): Promise<void>;
  /** The tape that it makes at this moment, `id@version`, as Redis knows it; empty while there is none. */
  tapeOf(source: string, symbol: string): Promise<string>;
}

/** A cluster without feeds: in LIVE nothing comes. */
export const noFeeds: Feeds = {
  want: async () => {},
  tapeOf: async () => "",
};
