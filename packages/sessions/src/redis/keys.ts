/**
 * Every key and channel of the cluster. The names are an interface that operators read with redis-cli: `docs/keyspace.md`
 * documents them and `keys.test.ts` pins them. Braces are hash tags: all keys of one session, and of one feed, live in one
 * cluster slot.
 */
export interface Keys {
  session(id: string): string;
  /** The channel bears the key's name. */
  sessionChannel(id: string): string;
  viewers(id: string): string;
  epochs(id: string): string;
  orders(id: string): string;
  /** Share links of the session that are still good. */
  shares(id: string): string;
  expiry: string;
  created: string;
  mode(mode: string): string;
  state(state: string): string;
  stats: string;
  /** What happened in one minute since 1970, for rates. */
  statsOfMinute(minute: number): string;
  node(node: string): string;
  /** Sorted set of the nodes' last heartbeats, so that listing them needs no SCAN. */
  nodes: string;
  /** A ticker's own channel: states of the sessions it renders. */
  tickerChannel(node: string): string;
  /** A node's in-band probe. */
  probeChannel(node: string): string;
  /** Sessions created by one client address. */
  createdBy(address: string): string;
  /** Sessions of one user, where users are known. */
  ownedBy(user: string): string;
  /** Open legacy sockets of one browser: address, User-Agent and Origin hashed. */
  legacy(fingerprint: string): string;
  /** Which of that browser's pages commanded which session by its id. */
  legacyPages(fingerprint: string): string;
  /** Recent frames of a feed's tape: a stream, and the channel of the same name. */
  live(source: string, symbol: string): string;
  /** What a feed and its tape are at present. */
  liveTape(source: string, symbol: string): string;
  /** Feeds by the time until which somebody wants them. */
  liveWanted: string;
  /** Feeds that have a tape under way, or had one that is not finished, by the time of their last claim. */
  liveFeeds: string;
  /** Stream of the audit trail's newest entries, where one is kept. */
  audit: string;
  /** Feeds that nobody asks for any more, by the time until which they were wanted then: dropped first. */
  liveLeft: string;
  /** What the sessions of one owner ask for, `SESSION SOURCE:SYMBOL`, by the time until which they do. */
  liveWishesOf(owner: string): string;
  /** The sessions that ask for one feed, by the time until which they do. */
  liveWishesFor(feed: string): string;
  /** How many feeds that nobody wanted one owner's sessions have had begun of late. */
  liveBegun(owner: string): string;
  /** The symbols that a venue lists. */
  liveListed(source: string): string;
  /** BullMQ's `prefix`. */
  bullPrefix: string;
}

export function keysWith(prefix: string): Keys {
  const session = (id: string) => `${prefix}:session:{${id}}`;
  // In the slot of `liveWanted`, which had its name first: a wish changes all of them at once.
  const wishes = `${prefix}:live:{${prefix}:live:wanted}`;
  const live = (source: string, symbol: string) => `${prefix}:live:{${source}:${symbol}}`;
  return {
    session,
    sessionChannel: session,
    viewers: (id) => `${session(id)}:viewers`,
    epochs: (id) => `${session(id)}:epochs`,
    orders: (id) => `${session(id)}:orders`,
    shares: (id) => `${session(id)}:shares`,
    expiry: `${prefix}:sessions:expiry`,
    created: `${prefix}:sessions:created`,
    mode: (mode) => `${prefix}:sessions:mode:{${mode}}`,
    state: (state) => `${prefix}:sessions:state:{${state}}`,
    stats: `${prefix}:stats`,
    statsOfMinute: (minute) => `${prefix}:stats:{${minute}}`,
    node: (node) => `${prefix}:node:{${node}}`,
    nodes: `${prefix}:nodes`,
    tickerChannel: (node) => `${prefix}:ticker:{${node}}`,
    probeChannel: (node) => `${prefix}:probe:{${node}}`,
    createdBy: (address) => `${prefix}:sessions:by:{${address}}`,
    ownedBy: (user) => `${prefix}:sessions:of:{${user}}`,
    legacy: (fingerprint) => `${prefix}:legacy:{${fingerprint}}`,
    legacyPages: (fingerprint) => `${prefix}:legacy:{${fingerprint}}:pages`,
    live,
    liveTape: (source, symbol) => `${live(source, symbol)}:tape`,
    liveWanted: `${prefix}:live:wanted`,
    liveFeeds: `${prefix}:live:feeds`,
    audit: `${prefix}:audit`,
    liveLeft: `${wishes}:left`,
    liveWishesOf: (owner) => `${wishes}:of:${owner}`,
    liveWishesFor: (feed) => `${wishes}:for:${feed}`,
    liveBegun: (owner) => `${wishes}:begun:${owner}`,
    liveListed: (source) => `${wishes}:listed:${source}`,
    bullPrefix: `${prefix}:bull`,
  };
}
