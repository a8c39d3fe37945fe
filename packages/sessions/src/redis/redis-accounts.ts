import { keysWith } from "./keys.js";

/**
 * Redis users, one for each service, and their permissions: `k8s/components/redis-accounts/users.acl` is generated from this. A rule
 * pairs commands with the keys or channels that they may name, so that permission to read one key does not allow writing another.
 * Redis checks each call in a script, too, while EVAL and EVALSHA need all permissions on their keys: hence `run` is separate.
 */
export const accountNames = ["api", "gateway", "ticker", "feed", "venue", "operator", "node"] as const;
export type AccountName = (typeof accountNames)[number];

type Rule = string;

const rule = (patterns: readonly string[], ...commands: readonly string[]): Rule =>
  `(${[...patterns, ...commands.map((command) => `+${command}`)].join(" ")})`;
const keysOf = (...names: readonly string[]): string[] => names.map((name) => `~${name}`);
const readable = (...names: readonly string[]): string[] => names.map((name) => `%R~${name}`);
const channels = (...names: readonly string[]): string[] => names.map((name) => `&${name}`);

const run = ["eval", "evalsha"];
const publishing = ["publish", "spublish"];
const subscribing = ["subscribe", "unsubscribe", "ssubscribe", "sunsubscribe"];
const readHash = ["hget", "hgetall", "hmget", "hexists", "hvals", "hlen"];
const readSet = ["zrange", "zrangebyscore", "zrevrange", "zrevrangebyscore", "zscore", "zmscore", "zcard", "zcount"];
const readStream = ["xrange", "xrevrange", "xlen"];
const changeSet = ["zadd", "zrem", "zremrangebyscore"];

/** For every connection: what ioredis and BullMQ need, the clock, transactions, and the slots of a Redis Cluster. */
const connected = [
  ...[
    "auth",
    "hello",
    "quit",
    "ping",
    "info",
    "role",
    "time",
    "select",
    "multi",
    "exec",
    "discard",
    "readonly",
    "asking",
  ],
  ...["client|setname", "client|id", "cluster|slots", "cluster|shards", "cluster|nodes", "cluster|info"],
  ...["unsubscribe", "sunsubscribe"],
];

/** @returns the lines of an ACL file after `user NAME`, without a password */
export function accountsWith(prefix: string): Record<AccountName | "default", string> {
  const keys = keysWith(prefix);
  const any = "*";
  const session = keys.session(any);
  const parts = [
    ...[keys.viewers(any), keys.epochs(any), keys.orders(any)],
    ...[keys.actions(any), keys.branches(any), keys.checkpoints(any), keys.readers(any)],
  ];
  const shares = keys.shares(any);
  const venueKeys = keys.venueKeys(any);
  const index = [keys.created, keys.expiry, keys.mode(any), keys.state(any), keys.createdBy(any), keys.ownedBy(any)];
  const totals = [keys.stats, `${keys.stats}:{*}`];
  const nodes = [keys.node(any), keys.nodes];
  const rates = keys.rate(any);
  const feed = keys.live(any, any);
  const feedHash = keys.liveTape(any, any);
  const feedEvents = keys.liveEvents(any, any);
  const queues = `${keys.bullPrefix}:*`;
  const ofTickers = [`${keys.bullPrefix}:{ticker-*`, `${keys.bullPrefix}:{upkeep}:*`];
  const ofFeeds = [`${keys.bullPrefix}:{feed}:*`, `${keys.bullPrefix}:{feed-upkeep}:*`];
  const asked = [`${keys.bullPrefix}:{ticker-*`, `${keys.bullPrefix}:{feed}:*`];

  const heartbeat = rule(keysOf(...nodes), "hset", "expire", "del", ...readHash, ...changeSet, ...readSet);
  const echo = keys.probeChannel(any);
  const probe = rule(channels(echo), ...publishing);
  /** All that a service subscribes to, in one rule: a new connection to a Redis Cluster subscribes to several channels of one slot at once. */
  const subscribe = (...names: readonly string[]) => rule(channels(...names), ...subscribing);
  /** Activity, commands and claims change the hash, and publish that on the channel of the same name. */
  const changeSession = [
    rule(
      keysOf(session, ...parts),
      ...run,
      ...readHash,
      "hset",
      "expire",
      "ttl",
      "exists",
      "lrange",
      "llen",
      "lpush",
      "ltrim",
      "rpush",
      "hdel",
      "pexpire",
    ),
    rule(keysOf(...index), ...run, ...readSet, ...changeSet, "pexpireat"),
    rule(keysOf(...totals), "hincrby", "expire"),
    rule(channels(session, keys.tickerChannel(any)), ...publishing),
    // A link to a deleted session, or a key to its venue, must not open a later session with its id.
    rule([`%W~${shares}`, `%W~${venueKeys}`], "del"),
  ];
  /** A follower of a tape that Redis has lost frames of records that in the feed's hash, and the feed begins another tape. */
  const followFeeds = [
    rule(keysOf(feed, feedHash), ...run),
    rule(readable(feed, feedHash, feedEvents), ...readHash, ...readStream, "exists"),
    rule(keysOf(feedHash), "hset", "persist"),
    rule([`%W~${feed}`], "del"),
    rule(channels(feed), ...publishing),
  ];
  const demands = [
    keys.liveWanted,
    keys.liveLeft,
    keys.liveDemandsOf(any),
    keys.liveDemandsFor(any),
    keys.liveBegun(any),
    keys.liveListed(any),
  ];
  /** Scripts check requests of one owner against the symbols of a venue, and against requests of others. */
  const wantFeeds = rule(
    keysOf(...demands),
    ...[...run, ...readSet, ...changeSet, "exists", "pexpire", "pttl", "get", "incr", "sismember"],
  );
  const audit = rule(keysOf(keys.audit), "xadd");
  /** BullMQ's scripts that add a job. */
  const addJobs = rule(
    keysOf(...asked),
    ...[...run, "exists", "pttl", "incr", ...readHash, "hset", "hmset", "llen", "lindex", "lpush", "rpush"],
    ...["xadd", "xtrim", "zadd", "zcard", "zscore", "zrem"],
  );
  /** BullMQ's scripts that take, renew and end jobs, and detect stalled ones. */
  const work = (names: readonly string[]): Rule =>
    `(${[
      ...keysOf(...names),
      ...["@hash", "@list", "@set", "@sortedset", "@stream", "@string"].map((kind) => `+${kind}`),
      "-@dangerous",
      ...[...run, "del", "unlink", "exists", "type", "rename", "expire", "pexpire", "pexpireat", "pttl"].map(
        (command) => `+${command}`,
      ),
    ].join(" ")})`;
  const count = rule(keysOf(rates), ...run, "get", "set", "incrby", "expire", "pttl", "del");

  const service = (...rules: readonly Rule[]): string => line(...connected, heartbeat, ...rules);
  return {
    default: "off resetpass resetkeys resetchannels -@all",
    api: service(
      ...changeSession,
      rule(keysOf(session, ...parts), "del"),
      rule(keysOf(shares, venueKeys), ...readHash, "hkeys", "hset", "hdel", "pexpire", "pttl", "del"),
      rule(readable(...totals), ...readHash),
      rule(readable(keys.legacy(any)), ...readSet),
      rule(keysOf(keys.legacyPages(any)), ...readSet, "zadd", "zremrangebyrank", "pexpire"),
      subscribe(feed),
      ...[count, audit, wantFeeds, ...followFeeds, addJobs],
      rule(readable(keys.liveFeeds), ...readSet),
      rule(keysOf(keys.filePin(any), `${keys.filePin(any)}:reading`), "get", "set", "exists", "pexpire"),
      // The page of queues reads all queues, and lists their workers.
      "client|list",
      rule(keysOf(`${queues}:meta`), "hset"),
      rule(keysOf(queues), ...run),
      rule(
        readable(queues),
        ...[
          ...readHash,
          ...readSet,
          ...readStream,
          "exists",
          "get",
          "llen",
          "lrange",
          "lindex",
          "lpos",
          "scard",
          "smembers",
          "type",
          "pttl",
        ],
      ),
    ),
    gateway: service(
      ...changeSession,
      rule(keysOf(...parts), "hdel", "del"),
      rule(readable(shares), "hexists"),
      subscribe(session, keys.tickerBeats, echo, feed),
      rule(keysOf(keys.legacy(any)), "zadd", "zremrangebyscore", "pexpire"),
      rule(keysOf(keys.legacyPages(any)), "pexpire"),
      ...[count, probe, audit, wantFeeds, ...followFeeds, addJobs],
    ),
    ticker: service(
      ...changeSession,
      rule(channels(keys.tickerBeats), ...publishing),
      subscribe(keys.tickerChannel(any), echo, feed),
      ...[probe, ...followFeeds, work(ofTickers)],
    ),
    feed: service(
      rule(keysOf(feed, feedHash, feedEvents, keys.liveFeeds), ...[...run, ...readHash, ...readStream, ...readSet]),
      rule(keysOf(feed, feedHash, feedEvents), "hset", "exists", "del", "pexpire", "persist", "xadd", "xtrim"),
      rule(keysOf(keys.liveFinishing(any, any)), "set", "pexpire", "del"),
      rule(keysOf(keys.liveFeeds), "zadd", "zrem"),
      wantFeeds,
      rule(keysOf(keys.liveListed(any)), "del", "sadd", "pexpire", "pttl"),
      // A tape that a session plays is not removed.
      rule(readable(keys.created), "zrange"),
      rule(readable(session), "hmget"),
      rule(channels(feed), ...publishing, ...subscribing),
      work(ofFeeds),
    ),
    venue: service(
      ...changeSession,
      rule(keysOf(keys.viewers(any)), "hdel"),
      rule(keysOf(keys.checkpoints(any)), "del"),
      rule(keysOf(venueKeys), ...readHash, "pexpire"),
      rule(readable(shares), "hexists"),
      subscribe(session, feed),
      ...[count, audit, wantFeeds, ...followFeeds, addJobs],
    ),
    // The command line and operators with redis-cli: they read all keys of Tapedeck and write none.
    operator: line(
      ...connected,
      rule(
        readable(`${prefix}:*`),
        ...[...readHash, ...readSet, ...readStream, "exists", "ttl", "pttl", "type", "llen", "lrange", "memory|usage"],
      ),
      rule(channels(`${prefix}:*`), ...subscribing),
    ),
    // Replication and set-up between the nodes of a Redis Cluster.
    node: line("auth", "hello", "ping", "info", "psync", "replconf", "cluster"),
  };
}

function line(...rules: readonly string[]): string {
  const parts = rules.map((each) => (each.startsWith("(") ? each : `+${each}`));
  return ["on", "resetkeys", "resetchannels", "-@all", ...parts].join(" ");
}

/** The ACL file, one user per line. The script that starts Redis adds the hash of each password. */
export function aclFile(prefix: string): string {
  return Object.entries(accountsWith(prefix))
    .map(([name, rules]) => `user ${name} ${rules}\n`)
    .join("");
}
