import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { createVenueKeyAnswer } from "@tapedeck/protocol";
import { connectRedis, untilReady } from "@tapedeck/runtime";
import type { AccountName } from "@tapedeck/sessions";
import { Redis } from "ioredis";
import { SignJWT } from "jose";
import pino from "pino";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import { programOf } from "../support/built.js";
import { TestCluster } from "../support/cluster.js";
import { RedisWithAccounts } from "../support/redis-accounts.js";
import { RedisClusterServers } from "../support/redis-cluster.js";
import { clientAt, SdkViewer } from "../support/sdk-viewer.js";
import { startSentinel } from "../support/sentinel.js";
import { soon } from "../support/soon.js";

const run = promisify(execFile);
const secret = "a secret of at least thirty-two bytes";
const services = ["api", "gateway", "ticker", "feed", "venue"] as const;

let redis: RedisWithAccounts;
beforeAll(async () => {
  redis = await RedisWithAccounts.start([...services, "operator"]);
});
afterAll(() => redis.stop());

function tokenOf(user: string, role: string): Promise<string> {
  return new SignJWT({ role })
    .setProtectedHeader({ alg: "HS256" })
    .setSubject(user)
    .setExpirationTime("10m")
    .sign(new TextEncoder().encode(secret));
}

/** A cluster whose services have a user each, with all limits set. */
function startCluster(adminUrl: string, urlOf: (service: string) => string): Promise<TestCluster> {
  return TestCluster.start({
    redisUrl: adminUrl,
    ...{ apis: 1, gateways: 1, feeds: 1, venues: 1 },
    env: {
      ...Object.fromEntries(services.map((service) => [service, { REDIS_URL: urlOf(service) }])),
      all: {
        AUTH_JWT_SECRET: secret,
        SHARE_SECRET: `another ${secret}`,
        SESSION_TTL_S: "3",
        AUDIT_STREAM: "1000",
        LIVE_LINGER_S: "20",
        MAX_SESSIONS: "1000",
        MAX_SESSIONS_PER_ADDRESS: "100",
        LIMIT_COMMANDS: "1000/10",
        LIMIT_CREATIONS: "1000/10",
        LIMIT_CONNECTIONS: "1000/10",
      },
    },
  });
}

test("[DP55] with a Redis user for each service, Redis refuses nothing that the cluster does", async () => {
  const cluster = await startCluster(redis.url, (service) => redis.urlOf(service));
  try {
    await everythingOn(cluster);
  } finally {
    await cluster.stop();
  }
  expect(await redis.denials()).toEqual([]);
});

test("[DP55] a Redis Cluster forms with the user of its nodes, and refuses nothing either", async () => {
  const folder = await mkdtemp(join(tmpdir(), "tapedeck-acl-"));
  const password = "0123456789abcdef";
  const rules = await readFile(new URL("../../k8s/components/redis-accounts/users.acl", import.meta.url), "utf8");
  // The servers of the tests are looked after by the user that needs no password.
  const users = rules
    .replace(/^user default .*$/m, "user default on nopass ~* &* +@all")
    .replace(/^user (\w+) on (?!nopass)/gm, `user $1 on >${password} `);
  await writeFile(join(folder, "users.acl"), users.replaceAll("tapedeck:", "test-*:"));
  const byNode = ["--masteruser", "node", "--masterauth", password];
  const settings = ["--aclfile", join(folder, "users.acl"), ...byNode];
  const servers = await RedisClusterServers.startEmpty({ masters: 3, replicas: 3, settings });
  try {
    const login = ["--user", "node", "--pass", password, "--no-auth-warning"];
    const form = ["--cluster", "create", ...servers.addresses, "--cluster-replicas", "1", "--cluster-yes"];
    await run("redis-cli", [...login, ...form]);
    const replicated = async () => {
      const replies = await Promise.all(
        servers.masterUrls.map((url) => run("redis-cli", ["-u", url, "info", "replication"])),
      );
      return replies.every(({ stdout }) => stdout.includes("state=online"));
    };
    await expect.poll(replicated, soon).toBe(true);
    const cluster = await startCluster(servers.url, (service) =>
      servers.url.replace("://", `://${service}:${password}@`),
    );
    try {
      await everythingOn(cluster);
    } finally {
      await cluster.stop();
    }
    for (const url of servers.masterUrls) {
      expect((await run("redis-cli", ["-u", url, "acl", "log"])).stdout.trim()).toBe("");
    }
  } finally {
    await servers.stop();
    await rm(folder, { recursive: true });
  }
});

test("[DP55] behind Sentinel each service has its user", async () => {
  const folder = await mkdtemp(join(tmpdir(), "tapedeck-sentinel-"));
  const { port, username, password } = new URL(redis.url);
  const watched = [`monitor main 127.0.0.1 ${port} 1`, `auth-user main ${username}`, `auth-pass main ${password}`];
  await writeFile(join(folder, "sentinel.conf"), watched.map((line) => `sentinel ${line}\n`).join(""));
  const sentinel = await startSentinel(join(folder, "sentinel.conf"));
  const login = new URL(redis.urlOf("gateway"));
  const url = `redis+sentinel://${login.username}:${login.password}@${new URL(sentinel.url).host}/main`;
  const gateway = connectRedis({ url, purpose: "commands", name: "test", log: pino({ level: "silent" }) });
  try {
    await untilReady(gateway);
    expect(await gateway.call("ACL", "WHOAMI").catch(String)).toMatch(/NOPERM/);
    expect(await gateway.hset("test-s:session:{a}", "state", "PLAYING")).toBe(1);
    await expect(gateway.del("test-s:session:{a}")).rejects.toThrow("NOPERM");
  } finally {
    gateway.disconnect();
    await sentinel.stop();
    await rm(folder, { recursive: true });
  }
});

/** Each command, on sockets and by HTTP; live and simulated markets; links, lists, an expiry, a death, and legacy pages. */
async function everythingOn(cluster: TestCluster): Promise<void> {
  const token = await tokenOf("ada", "controller");
  const deck = clientAt(cluster.url, { token });
  const viewer = await SdkViewer.open(deck, { tape: "usdm" });
  const { session } = viewer;
  await session.start();
  await viewer.until(() => viewer.frames.length > 5, "frames");
  await session.speed(20);
  await session.seek({ seq: 50 });
  await session.rewind({ by: 500 });
  await session.pause();
  await session.step({ frames: 1 });
  await session.range({ loop: true });
  await session.start();

  const before = viewer.frames.length;
  for (const ticker of cluster.tickers) cluster.signal(ticker, "SIGKILL");
  await cluster.untilAllReady();
  await viewer.until(() => viewer.frames.length > before + 20, "frames of other tickers", 30_000);

  await session.speed(1); // a busy machine may refuse an order in a market twenty times as fast
  await session.mode({ mode: "SIMULATION", seed: 7 });
  await session.start();
  await session.order({ side: "buy", quantity: 1 });
  await viewer.until(() => viewer.session.view?.account?.position === 1, "the fill");
  await session.mode({ mode: "LIVE", source: "SIM", symbol: "BTCUSDT" });
  const atEdge = viewer.frames.length;
  await viewer.until(() => viewer.frames.length > atEdge + 20, "live frames", 30_000);
  await session.pause();
  await session.live();

  const { token: link, share } = await deck.shares.create(session.id, { role: "controller", seconds: 600 });
  const guest = await clientAt(cluster.url, { token: link }).join(session.id);
  await guest.pause();
  guest.close();
  expect(await deck.shares.list(session.id)).toHaveLength(1);
  await deck.shares.revoke(session.id, share.id);
  const authorization = { authorization: `Bearer ${token}` };
  const venueKeys = `${cluster.url}/sessions/${session.id}/venue-keys`;
  const made = await fetch(venueKeys, { method: "POST", body: "{}", headers: authorization });
  const { api_key } = createVenueKeyAnswer.parse(await made.json());
  expect((await fetch(venueKeys, { headers: authorization })).status).toBe(200);
  const book = await fetch(`${cluster.url}/venue/binance/${session.id}~${api_key}/api/v3/ticker/bookTicker`);
  expect(book.status).toBe(200);
  const bot = new WebSocket(
    `${cluster.url.replace("http", "ws")}/venue/binance/${session.id}~${api_key}/ws/btcusdt@depth`,
  );
  await once(bot, "open"); // the market is paused: it says nothing
  bot.close();
  expect((await fetch(`${venueKeys}/${api_key}`, { method: "DELETE", headers: authorization })).status).toBe(200);

  const headers = { authorization: `Bearer ${await tokenOf("eve", "admin")}`, origin: cluster.url };
  const ask = (path: string, method = "GET") => fetch(`${cluster.url}${path}`, { method, headers });
  const paths = ["/health", "/metrics", "/sessions", "/sessions/stats", "/sessions?state=PLAYING&mode=REPLAY"];
  for (const path of [
    ...paths,
    "/metrics/dashboard",
    "/admin/queues/api/queues",
    "/tapes",
    `/sessions/${session.id}`,
    `/sessions/${session.id}/book`, // of a tape that grows
  ]) {
    expect([path, (await ask(path)).status]).toEqual([path, 200]);
  }
  expect((await ask("/replay/start/global", "POST")).status).toBe(200);
  const page = new WebSocket(`${cluster.url.replace("http", "ws")}/ws/page`, { headers });
  await once(page, "message");
  expect((await ask("/replay/start/page", "POST")).status).toBe(200);
  page.close();

  const forgotten = await deck.open({ tape: "usdm", sessionId: "forgotten" });
  await deck.shares.create("forgotten", { role: "viewer", seconds: 600 });
  forgotten.close();
  const { keys } = cluster;
  await expect.poll(() => cluster.redis.exists(keys.session("forgotten")), soon).toBe(0);
  // Made anew before or after upkeep has seen to its end.
  (await deck.open({ tape: "usdm", sessionId: "forgotten" })).close();
  await expect.poll(() => cluster.redis.zscore(keys.expiry, "forgotten"), { timeout: 20_000 }).toBeNull();
  await deck.sessions.delete(session.id);
  await viewer.until(() => viewer.end !== undefined, "the end");
}

/** Commands that a service's user may not run, although another user may. `P` is the prefix. */
const refused: readonly [AccountName, ...string[]][] = [
  ["gateway", "HSET", "P:session:{a}:shares", "link", "{}"],
  ["gateway", "HGETALL", "P:session:{a}:venue-keys"],
  ["ticker", "HGETALL", "P:session:{a}:venue-keys"],
  ["gateway", "DEL", "P:audit"],
  ["gateway", "DEL", "P:session:{a}"],
  ["gateway", "EVAL", "return redis.call('DEL', KEYS[1])", "1", "P:session:{a}"],
  ["gateway", "ZADD", "P:legacy:{page}:pages", "1", "a"],
  ["gateway", "EVAL", "return redis.call('XADD', KEYS[1], '1-1', 'm', 'a frame')", "1", "P:live:{SIM:X}"],
  ["gateway", "XADD", "P:live:{SIM:X}", "1-1", "m", "a frame"],
  ["gateway", "SET", "P:bull:{ticker-0}:1:lock", "1", "EX", "1"],
  ["gateway", "HSET", "P:bull:{upkeep}:meta", "version", "1"],
  ["api", "SUBSCRIBE", "P:session:{a}"],
  ["api", "XADD", "P:live:{SIM:X}", "*", "m", "a frame"],
  ["api", "LPUSH", "P:bull:{upkeep}:wait", "1"],
  ["ticker", "DEL", "P:session:{a}"],
  ["ticker", "HSET", "P:session:{a}:shares", "link", "{}"],
  ["ticker", "SET", "P:rate:commands:user ada", "0"],
  ["ticker", "XADD", "P:live:{SIM:X}", "*", "m", "a frame"],
  ["ticker", "LPUSH", "P:bull:{feed}:wait", "1"],
  ["feed", "HSET", "P:session:{a}", "state", "PLAYING"],
  ["feed", "HGETALL", "P:session:{a}"],
  ["feed", "PUBLISH", "P:session:{a}", "a frame"],
  ["feed", "ZADD", "P:sessions:created", "1", "a"],
  ["feed", "LPUSH", "P:bull:{ticker-0}:wait", "1"],
  ["operator", "HSET", "P:session:{a}", "state", "PLAYING"],
  ["operator", "DEL", "P:session:{a}"],
  ["operator", "PUBLISH", "P:session:{a}", "a frame"],
];
const forAll = ["FLUSHALL", "FLUSHDB", "CONFIG GET *", "KEYS *", "SCAN 0", "ACL LIST", "SHUTDOWN", "MONITOR"];
const foreign = ["GET other", "SET other 1", "SUBSCRIBE other", "REPLICAOF NO ONE", "SCRIPT FLUSH"];

test.each(refused)("[DP56] a %s is refused %s %s", async (account, ...words) => {
  await expect(asked(account, words)).rejects.toThrow(/NOPERM|can't access|can't run this command/);
});

test.each([...services, "operator"] as const)(
  "[DP56] a %s is refused what concerns the whole server",
  async (account) => {
    for (const line of [...forAll, ...foreign]) {
      await expect(asked(account, line.split(" ")), line).rejects.toThrow(/NOPERM/);
    }
  },
);

test("[DP56] without a user and a password every command is refused", async () => {
  const { stdout } = await run("redis-cli", ["-u", redis.url.replace(/\/\/.*@/, "//"), "ping"]);
  expect(stdout).toMatch(/^NOAUTH/);
});

test("[DP56] operator may read sessions, nodes, queues and messages", async () => {
  const operator = new Redis(redis.urlOf("operator"));
  const lines = ["HGETALL test-p:session:{a}", "ZCARD test-p:sessions:created", "LLEN test-p:bull:{ticker-0}:wait"];
  for (const line of [...lines, "MEMORY USAGE test-p:session:{a}", "XREVRANGE test-p:live:{SIM:X} + -", "INFO"]) {
    const [command = "", ...args] = line.split(" ");
    await operator.call(command, ...args);
  }
  await operator.subscribe("test-p:session:{a}");
  operator.disconnect();
});

test("[DP56] `tapedeck doctor` as operator checks the configuration of Redis, and says what it may not read", async () => {
  const env = {
    ...process.env,
    REDIS_URL: redis.urlOf("operator"),
    TAPEDECK_PREFIX: "test-p",
    TAPEDECK_STORE: "/nowhere",
  };
  // It ends with 1, since no node of a cluster is there.
  const { stdout } = await run(process.execPath, [programOf("tapedeck"), "doctor"], { env }).catch(
    (ended: { stdout: string }) => ended,
  );
  expect(stdout).toMatch(/^ok +eviction +noeviction$/m);
  expect(stdout).toMatch(/^ok +notifications +cannot be read here$/m);
  expect(stdout).toMatch(/^FAIL +gateways +no heartbeat/m);
});

async function asked(account: AccountName, [command = "", ...args]: readonly string[]): Promise<unknown> {
  const connection = new Redis(redis.urlOf(account));
  try {
    return await connection.call(command, ...args.map((word) => word.replace(/^P:/, "test-p:")));
  } finally {
    connection.disconnect();
  }
}
