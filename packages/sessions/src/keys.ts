/**
 * Every key and channel of the cluster. The names are an interface that operators read with redis-cli: `docs/keyspace.md`
 * documents them and `keys.test.ts` pins them. Braces are hash tags: all keys of one session live in one cluster slot.
 */
export interface Keys {
  session(id: string): string;
  /** The channel bears the key's name. */
  sessionChannel(id: string): string;
  viewers(id: string): string;
  epochs(id: string): string;
  orders(id: string): string;
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
  /** Open legacy sockets of one browser: address, User-Agent and Origin hashed. */
  legacy(fingerprint: string): string;
  /** BullMQ's `prefix`. */
  bullPrefix: string;
}

export function keysWith(prefix: string): Keys {
  const session = (id: string) => `${prefix}:session:{${id}}`;
  return {
    session,
    sessionChannel: session,
    viewers: (id) => `${session(id)}:viewers`,
    epochs: (id) => `${session(id)}:epochs`,
    orders: (id) => `${session(id)}:orders`,
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
    legacy: (fingerprint) => `${prefix}:legacy:{${fingerprint}}`,
    bullPrefix: `${prefix}:bull`,
  };
}
