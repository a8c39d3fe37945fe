/**
 * Every key and channel of the cluster. The names are an interface that operators read with redis-cli: `docs/keyspace.md`
 * documents them and `keys.test.ts` checks that. Braces are hash tags: all keys of one session, and of one feed, live in one
 * cluster slot.
 */
export interface Keys {
  session(id: string): string;
  /** The channel has the name of the session's key. */
  sessionChannel(id: string): string;
  viewers(id: string): string;
  epochs(id: string): string;
  orders(id: string): string;
  /** What its user's trading sent, in the order in which it was sent: see packages/sessions/src/trading/action-log.ts. */
  actions(id: string): string;
  /** What its user had done where a rewind undid it. */
  branches(id: string): string;
  /** States of its trading, from which it is replayed faster: see packages/trading/src/checkpoint. */
  checkpoints(id: string): string;
  /** Sockets that acknowledge frames, in lossless pace. */
  readers(id: string): string;
  /** Valid share links of the session. */
  shares(id: string): string;
  /** Keys with which clients of an exchange sign requests to the session's venue. */
  venueKeys(id: string): string;
  expiry: string;
  created: string;
  mode(mode: string): string;
  state(state: string): string;
  stats: string;
  /** Counts of one minute since 1970, for rates. */
  statsOfMinute(minute: number): string;
  node(node: string): string;
  /** Sorted set of the nodes' last heartbeats, so that listing them needs no SCAN. */
  nodes: string;
  /** A ticker's own channel: states of the sessions it renders. */
  tickerChannel(node: string): string;
  /** On which each ticker says, several times a second, that it publishes. */
  tickerBeats: string;
  /** A node's in-band probe. */
  probeChannel(node: string): string;
  /** Sessions created by one client address. */
  createdBy(address: string): string;
  /** Sessions of one user, with authentication on. */
  ownedBy(user: string): string;
  /** Open legacy sockets of one browser: address, User-Agent and Origin hashed. */
  legacy(fingerprint: string): string;
  /** Which of that browser's pages sent commands to which session by its id. */
  legacyPages(fingerprint: string): string;
  /** Recent frames of a feed's tape: a stream, and the channel of the same name. */
  live(source: string, symbol: string): string;
  /** The current state of a feed and its tape. */
  liveTape(source: string, symbol: string): string;
  /** Recent events of a feed's tape. */
  liveEvents(source: string, symbol: string): string;
  /** Which node makes an ordinary tape of one of the feed's. */
  liveFinishing(source: string, symbol: string): string;
  /** Feeds by the time until which they are requested. */
  liveWanted: string;
  /** Feeds with a live tape that is not finished, by the time of their last claim. */
  liveFeeds: string;
  /** Stream of the audit trail's newest entries, if `AUDIT_STREAM` is above 0. */
  audit: string;
  /** Feeds that no session requests any more, by the time until which they were requested: the first to be dropped. */
  liveLeft: string;
  /** Requests of one owner's sessions, `SESSION SOURCE:SYMBOL`, by the time until which they hold. */
  liveDemandsOf(owner: string): string;
  /** The sessions that request one feed, by the time until which their request holds. */
  liveDemandsFor(feed: string): string;
  /** How many new feeds one owner's sessions have started lately. */
  liveBegun(owner: string): string;
  /** The symbols that a venue lists. */
  liveListed(source: string): string;
  /** Which file of a growing tape a client reads; with `:reading` behind it while it does. */
  filePin(reader: string): string;
  /** Prefix of the counters of one kind of rate limit; `:` and the user or address follow. */
  rate(kind: string): string;
  /** BullMQ's `prefix`. */
  bullPrefix: string;
}

export function keysWith(prefix: string): Keys {
  const session = (id: string) => `${prefix}:session:{${id}}`;
  // In the slot of `liveWanted`, whose name is older: a request changes all of them at once.
  const requests = `${prefix}:live:{${prefix}:live:wanted}`;
  const live = (source: string, symbol: string) => `${prefix}:live:{${source}:${symbol}}`;
  return {
    session,
    sessionChannel: session,
    viewers: (id) => `${session(id)}:viewers`,
    epochs: (id) => `${session(id)}:epochs`,
    orders: (id) => `${session(id)}:orders`,
    actions: (id) => `${session(id)}:actions`,
    branches: (id) => `${session(id)}:branches`,
    checkpoints: (id) => `${session(id)}:checkpoints`,
    readers: (id) => `${session(id)}:readers`,
    shares: (id) => `${session(id)}:shares`,
    venueKeys: (id) => `${session(id)}:venue-keys`,
    expiry: `${prefix}:sessions:expiry`,
    created: `${prefix}:sessions:created`,
    mode: (mode) => `${prefix}:sessions:mode:{${mode}}`,
    state: (state) => `${prefix}:sessions:state:{${state}}`,
    stats: `${prefix}:stats`,
    statsOfMinute: (minute) => `${prefix}:stats:{${minute}}`,
    node: (node) => `${prefix}:node:{${node}}`,
    nodes: `${prefix}:nodes`,
    tickerChannel: (node) => `${prefix}:ticker:{${node}}`,
    tickerBeats: `${prefix}:tickers`,
    probeChannel: (node) => `${prefix}:probe:{${node}}`,
    createdBy: (address) => `${prefix}:sessions:by:{${address}}`,
    ownedBy: (user) => `${prefix}:sessions:of:{${user}}`,
    legacy: (fingerprint) => `${prefix}:legacy:{${fingerprint}}`,
    legacyPages: (fingerprint) => `${prefix}:legacy:{${fingerprint}}:pages`,
    live,
    liveTape: (source, symbol) => `${live(source, symbol)}:tape`,
    liveEvents: (source, symbol) => `${live(source, symbol)}:events`,
    liveFinishing: (source, symbol) => `${live(source, symbol)}:finishing`,
    liveWanted: `${prefix}:live:wanted`,
    liveFeeds: `${prefix}:live:feeds`,
    audit: `${prefix}:audit`,
    liveLeft: `${requests}:left`,
    liveDemandsOf: (owner) => `${requests}:of:${owner}`,
    liveDemandsFor: (feed) => `${requests}:for:${feed}`,
    liveBegun: (owner) => `${requests}:begun:${owner}`,
    liveListed: (source) => `${requests}:listed:${source}`,
    filePin: (reader) => `${prefix}:file:{${reader}}`,
    rate: (kind) => `${prefix}:rate:${kind}`,
    bullPrefix: `${prefix}:bull`,
  };
}
