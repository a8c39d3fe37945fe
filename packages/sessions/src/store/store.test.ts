import { connectRedis, createLogger } from "@tapedeck/runtime";
import { afterEach, beforeEach, describe, expect, inject, test, vi } from "vitest";
import { soon } from "../../../../test/support/soon.js";
import { keysWith } from "../redis/keys.js";
import type { SessionRecord } from "../rules/record.js";
import { type SessionsOnRedis, sessionsOnRedis } from "../testing/sessions-on-redis.js";
import { parseHead } from "./channel.js";
import { decodeState, encodeRecord } from "./record-codec.js";
import { SessionStore } from "./store.js";

let rig: SessionsOnRedis;
beforeEach(() => {
  rig = sessionsOnRedis(inject("redisUrl"));
});
afterEach(async () => {
  expect(rig.warnings).toEqual([]);
  await rig.close();
});

async function opened(id = "a"): Promise<SessionRecord> {
  return (await rig.sessions.open(id)).record;
}

/** What a change writes: the same session under its next revision. */
function revised(record: SessionRecord, change: Partial<SessionRecord> = {}): SessionRecord {
  return { ...record, ...change, rev: record.rev + 1 };
}

describe("a session's hash", () => {
  test("[S1] has the fields of the record and reads back as it was written", async () => {
    const record = await opened();
    const hash = await rig.redis.hgetall(rig.keys.session("a"));
    expect(hash).toEqual(encodeRecord(record));
    expect((await rig.store.read("a"))?.record).toEqual(record);
    expect(await rig.store.read("b")).toBeUndefined();
  });

  test("[S2] a writer that read an old revision leaves fields and TTL as they were", async () => {
    const record = await opened();
    await rig.redis.pexpire(rig.keys.session("a"), 77_000);
    const faster = revised(record, { speed: 2, lastActivity: record.lastActivity });
    expect(await rig.store.replace(record, faster, "command", { renewsTtl: false })).toMatchObject({ rev: 2 });
    const hash = await rig.redis.hgetall(rig.keys.session("a"));
    expect(await rig.store.replace(record, revised(record, { speed: 3 }), "command")).toBe("conflict");
    expect(await rig.redis.hgetall(rig.keys.session("a"))).toEqual(hash);
    expect(await rig.redis.pttl(rig.keys.session("a"))).toBeLessThanOrEqual(77_000);
  });

  test("[S3] a late write never brings a session back", async () => {
    const record = await opened();
    await rig.store.delete("a");
    expect(await rig.store.replace(record, revised(record), "command")).toBe("gone");
    expect(await rig.store.touch("a", "gateway-1", 3)).toBe(false);
    expect(await rig.redis.sessionCheckpoints(1, rig.keys.session("a"), record.rev, 5)).toEqual([1, -1]);
    expect((await rig.allKeys()).filter((key) => key.includes("{a}"))).toEqual([]);
  });

  test("[S4] activity renews the TTL, and nothing else does", async () => {
    await opened();
    const ttlAfter = async (work: () => Promise<unknown>): Promise<number> => {
      await rig.redis.expire(rig.keys.session("a"), 50);
      await work();
      return await rig.redis.ttl(rig.keys.session("a"));
    };
    expect(await ttlAfter(() => rig.store.read("a"))).toBeLessThanOrEqual(50);
    expect(await ttlAfter(() => rig.sessions.perform("a", { type: "start" }))).toBe(3600);
    expect(await ttlAfter(() => rig.sessions.perform("a", { type: "start" }))).toBe(3600);
    expect(await ttlAfter(() => rig.sessions.perform("a", { type: "claim", node: "t" }))).toBeLessThanOrEqual(50);
    expect(await ttlAfter(() => rig.store.touch("a", "gateway-1", 1))).toBe(3600);
    expect(await rig.redis.ttl(rig.keys.viewers("a"))).toBe(3600);
    expect(await ttlAfter(() => rig.sessions.open("a"))).toBe(3600);
  });

  test("[S4] activity moves last_activity and the index's expiry together", async () => {
    const before = await opened();
    await vi.waitUntil(async () => (await rig.store.now()) > before.lastActivity + 2, soon);
    await rig.store.touch("a");
    const after = (await rig.store.read("a"))?.record;
    expect(after?.lastActivity).toBeGreaterThan(before.lastActivity);
    expect(await rig.redis.zscore(rig.keys.expiry, "a")).toBe(`${(after?.lastActivity ?? 0) + 3_600_000}`);
  });

  test("[S5] a change is published with its cause and the whole hash", async () => {
    const record = await opened();
    const received = await rig.listen(rig.keys.sessionChannel("a"));
    await rig.sessions.perform("a", { type: "seek", to: { seq: 42 } });
    await vi.waitUntil(() => received.length === 1, soon);
    const [message = Buffer.alloc(0)] = received;
    const head = parseHead(message);
    const now = (await rig.store.read("a"))?.record;
    expect(head).toMatchObject({ kind: "S", rev: record.rev + 1, epoch: now?.epoch, seq: 42, cause: "command" });
    expect(decodeState(message.subarray(head?.body).toString())).toEqual(now);
  });

  test("[S6] a seek does not take over the frame number of a checkpoint that was written meanwhile", async () => {
    const { record: playing } = await rig.sessions.perform((await opened()).id, { type: "start" });
    expect(await rig.redis.sessionCheckpoints(1, rig.keys.session("a"), playing.rev, 57)).toEqual([]);
    const { record: checkpointed } = (await rig.store.read("a")) ?? {};
    expect(checkpointed?.publishedSeq).toBe(57);
    expect(checkpointed?.tickerSeenMs).toBeGreaterThan(0);
    const jumped = revised(playing, { epoch: playing.epoch + 1 });
    await rig.store.replace(playing, jumped, "command");
    expect((await rig.store.read("a"))?.record.publishedSeq).toBe(playing.publishedSeq);
  });

  test("[S6] a checkpoint of an old revision writes nothing and returns the current one", async () => {
    const { rev } = await opened();
    await rig.sessions.perform("a", { type: "pause" });
    expect(await rig.redis.sessionCheckpoints(1, rig.keys.session("a"), rev, 57)).toEqual([1, rev + 1]);
    expect((await rig.store.read("a"))?.record.publishedSeq).toBe(0);
  });

  test("[S6] checkpoints of several sessions share one call, which returns those that have changed", async () => {
    const [playing, changed, gone] = await Promise.all(["a", "b", "c"].map((id) => opened(id)));
    await rig.sessions.perform("b", { type: "start" });
    await rig.store.delete("c");
    const key = rig.keys.session;
    const revs = [playing, changed, gone].flatMap((record, seq) => [record?.rev ?? 0, 57 + seq]);
    expect(await rig.redis.sessionCheckpoints(3, key("a"), key("b"), key("c"), ...revs)).toEqual([2, 2, 3, -1]);
    expect((await rig.store.read("a"))?.record.publishedSeq).toBe(57);
    expect((await rig.store.read("b"))?.record.publishedSeq).toBe(0);
    expect(await rig.store.read("c")).toBeUndefined();
  });

  test("[S7] the last eight epochs are stored with the frames shown in them", async () => {
    await opened();
    const epochs: number[] = [];
    for (let seq = 1; seq <= 10; seq++) {
      const { record } = await rig.sessions.perform("a", { type: "seek", to: { seq } });
      epochs.unshift(record.epoch);
    }
    const remembered = await rig.store.epochs("a");
    expect(remembered.map(({ epoch }) => epoch)).toEqual(epochs.slice(1, 9));
    expect(remembered[0]).toMatchObject({ tape: "synthetic@1", first: 9, last: 9 });
    expect(await rig.redis.ttl(rig.keys.epochs("a"))).toBe(3600);
  });
});

describe("creating and deleting", () => {
  test("[S8] an id that exists is returned as it is", async () => {
    const record = await opened();
    await rig.sessions.perform("a", { type: "pause" });
    const again = await rig.sessions.open("a", { speed: 5, mode: "LIVE" });
    expect(again).toMatchObject({ created: false, record: { state: "PAUSED", speed: 1, epoch: record.epoch } });
  });

  test("[S8] of concurrent callers one creates the session and all get it", async () => {
    const all = await Promise.all(Array.from({ length: 20 }, () => rig.sessions.open("a")));
    expect(all.filter(({ created }) => created)).toHaveLength(1);
    expect(new Set(all.map(({ record }) => record.epoch)).size).toBe(1);
    expect(await rig.store.stats()).toMatchObject({ total_sessions: 1, created_total: 1 });
  });

  test("[S9] an id that is created again has a higher epoch, however many seeks came before", async () => {
    await opened();
    let epoch = 0;
    for (let seek = 0; seek < 30; seek++) {
      epoch = (await rig.sessions.perform("a", { type: "seek", to: { seq: 1 } })).record.epoch;
    }
    expect(await rig.sessions.remove("a")).toBe(true);
    expect((await opened()).epoch).toBeGreaterThan(epoch);
  });

  test("[S11] [S12] no key of a deleted session remains, and subscribers are notified", async () => {
    const { record } = await rig.sessions.open("a", { createdBy: "192.0.2.7", start: true });
    await rig.store.touch("a", "gateway-1", 2);
    await rig.sessions.perform("a", { type: "seek", to: { seq: 3 } });
    await rig.redis.hset(rig.keys.shares("a"), "link", "{}");
    const received = await rig.listen(rig.keys.sessionChannel("a"));
    expect(await rig.sessions.remove("a")).toBe(true);
    await vi.waitUntil(() => received.length === 1, soon);
    const [message = Buffer.alloc(0)] = received;
    expect(parseHead(message)).toMatchObject({ kind: "D", rev: record.rev + 1, cause: "deleted" });
    const counts = [rig.keys.stats, ...(await rig.allKeys()).filter((key) => key.startsWith(`${rig.keys.stats}:`))];
    expect((await rig.allKeys()).sort()).toEqual(counts.sort());
    expect(await rig.store.stats()).toMatchObject({ total_sessions: 0, deleted_total: 1, cleaned_up_per_minute: 1 });
    expect(await rig.sessions.remove("a")).toBe(false);
  });
});

describe("gateways' sockets", () => {
  /** Heartbeats of so many ms ago, before anything is read: what was read of nodes is good for a second. */
  const beat = async (ages: Readonly<Record<string, number>>): Promise<void> => {
    const now = await rig.store.now();
    for (const [node, age] of Object.entries(ages)) await rig.redis.zadd(rig.keys.nodes, now - age, node);
  };

  test("[S4] are counted by gateway until the last has closed", async () => {
    await beat({ "gateway-1": 0, "gateway-2": 0 });
    await opened();
    await rig.store.touch("a", "gateway-1", 2);
    await rig.store.touch("a", "gateway-2", 1);
    expect(await rig.store.viewers("a")).toEqual(
      new Map([
        ["gateway-1", 2],
        ["gateway-2", 1],
      ]),
    );
    expect((await rig.store.read("a"))?.connections).toBe(3);
    await rig.store.touch("a", "gateway-1", 0);
    expect((await rig.store.read("a"))?.connections).toBe(1);
  });

  test("[S4] of a killed gateway don't count once its heartbeat is missing", async () => {
    await beat({ "gateway-1": 14_000, "gateway-2": 15_001 });
    await opened();
    for (const gateway of ["gateway-1", "gateway-2", "gateway-3"]) await rig.store.touch("a", gateway, 2);
    expect((await rig.store.read("a"))?.connections).toBe(2);
    expect(await rig.store.viewers("a")).toEqual(new Map([["gateway-1", 2]]));
  });

  test("[S4] of a live gateway that no longer reports the session don't count", async () => {
    await beat({ "gateway-9": 0 });
    await opened();
    await rig.redis.hset(rig.keys.viewers("a"), "gateway-9", `5 ${(await rig.store.now()) - 1}`);
    expect((await rig.store.read("a"))?.connections).toBe(0);
  });

  test("[S4] count until well after the next report of the gateway is due", async () => {
    await opened();
    const before = await rig.store.now();
    await rig.store.touch("a", "gateway-1", 2);
    const deadline = Number((await rig.redis.hget(rig.keys.viewers("a"), "gateway-1"))?.split(" ")[1]);
    expect(deadline - before).toBeGreaterThan(2 * 120_000);
  });
});

describe("caps", () => {
  test("[S10] sessions beyond the cluster's cap are refused and leave nothing behind", async () => {
    const capped = sessionsOnRedis(inject("redisUrl"), { caps: { sessions: 3 } });
    try {
      const results = await Promise.allSettled(Array.from({ length: 10 }, (_, at) => capped.sessions.open(`s${at}`)));
      expect(results.filter(({ status }) => status === "fulfilled").length).toBeLessThanOrEqual(3);
      for (let at = 0; at < 3; at++) await capped.sessions.open(`t${at}`).catch(() => {});
      expect(await capped.store.stats()).toMatchObject({ total_sessions: 3 });
      await expect(capped.sessions.open("more")).rejects.toMatchObject({ code: "TOO_MANY_SESSIONS", status: 429 });
      expect(await capped.redis.zscore(capped.keys.expiry, "more")).toBeNull();
      const [{ record } = expect.fail()] = (await capped.store.list({ limit: 1 })).sessions;
      await capped.sessions.remove(record.id);
      expect((await capped.sessions.open("more")).created).toBe(true);
    } finally {
      await capped.close();
    }
  });

  test("[S10] sessions beyond the cap of one address are refused, and other addresses are not affected", async () => {
    const capped = sessionsOnRedis(inject("redisUrl"), { caps: { sessionsPerAddress: 2 }, ttl: 1 });
    try {
      await capped.sessions.open("a", { createdBy: "192.0.2.7" });
      await capped.sessions.open("b", { createdBy: "192.0.2.7" });
      await expect(capped.sessions.open("c", { createdBy: "192.0.2.7" })).rejects.toMatchObject({
        code: "TOO_MANY_SESSIONS",
      });
      expect((await capped.sessions.open("a", { createdBy: "192.0.2.7" })).created).toBe(false);
      expect((await capped.sessions.open("d", { createdBy: "192.0.2.8" })).created).toBe(true);
      // The shared session counts for no address.
      expect((await capped.sessions.open("global", { createdBy: "192.0.2.7" })).created).toBe(true);
      await vi.waitUntil(async () => (await capped.redis.exists(capped.keys.session("a"))) === 0, soon);
      // An expired session makes room before maintenance cleans up.
      await vi.waitUntil(async () => (await capped.redis.exists(capped.keys.session("b"))) === 0, soon);
      expect((await capped.sessions.open("e", { createdBy: "192.0.2.7" })).created).toBe(true);
    } finally {
      await capped.close();
    }
  });
});

describe("listing", () => {
  test("[S13] skips a hash that was corrupted by hand", async () => {
    await rig.sessions.open("a");
    await rig.sessions.open("b");
    await rig.redis.hset(rig.keys.session("a"), "state", "RUNNING");
    const { sessions } = await rig.store.list({ limit: 10 });
    expect(sessions.map(({ record }) => record.id)).toEqual(["b"]);
    await rig.redis.hset(rig.keys.session("a"), "state", "STOPPED");
  });

  test("[S13] has every session once, newest first, in pages of any size", async () => {
    const ids = Array.from({ length: 23 }, (_, at) => `s${at}`);
    for (const id of ids) await rig.sessions.open(id, { mode: Number(id.slice(1)) % 2 ? "LIVE" : "REPLAY" });
    for (const limit of [1, 5, 23, 100]) {
      const found: SessionRecord[] = [];
      let cursor: string | undefined;
      do {
        const page = await rig.store.list({ limit, cursor });
        expect(page.total).toBe(23);
        found.push(...page.sessions.map(({ record }) => record));
        cursor = page.nextCursor ?? undefined;
      } while (cursor !== undefined);
      expect(found.map(({ id }) => id).sort()).toEqual([...ids].sort());
      const times = found.map(({ createdAt }) => createdAt);
      expect(times).toEqual([...times].sort((a, b) => b - a));
    }
    const lives = await rig.store.list({ limit: 100, mode: "LIVE", state: "PLAYING" });
    expect(lives.sessions).toHaveLength(11);
    expect(lives).toMatchObject({ active: 11, paused: 0, nextCursor: null });
    // Rare among many, and behind an index that lags behind the newest change: still no empty page with a cursor.
    await rig.sessions.perform("s2", { type: "start" });
    await rig.sessions.perform("s1", { type: "pause" });
    await rig.redis.zadd(rig.keys.mode("REPLAY"), (await rig.store.index.createdAtOf("s1")) ?? 0, "s1");
    for (const limit of [1, 2, 100]) {
      const found = await rig.store.list({ limit, mode: "REPLAY", state: "PLAYING" });
      expect(found.sessions.map(({ record }) => record.id)).toEqual(["s2"]);
      const cursor = found.nextCursor ?? undefined;
      if (limit > 1) expect(cursor).toBeUndefined();
      else
        expect(await rig.store.list({ limit, cursor, mode: "REPLAY", state: "PLAYING" })).toMatchObject({
          sessions: [],
          nextCursor: null,
        });
      expect(
        (await rig.store.list({ limit, mode: "LIVE", state: "PAUSED" })).sessions.map(({ record }) => record.id),
      ).toEqual(["s1"]);
      expect(await rig.store.list({ limit, mode: "REPLAY", state: "PAUSED" })).toMatchObject({
        sessions: [],
        nextCursor: null,
      });
    }
    await expect(rig.store.list({ limit: 5, cursor: "nonsense" })).rejects.toMatchObject({ status: 422 });
  });

  test("[S13] statistics count by state and mode, and nodes by their heartbeats", async () => {
    await rig.sessions.open("a", { start: true });
    await rig.sessions.open("b", { mode: "LIVE" });
    await rig.sessions.open("c");
    await rig.sessions.perform("c", { type: "pause" });
    await rig.sessions.open("d");
    const now = await rig.store.now();
    await rig.redis.zadd(rig.keys.nodes, now, "ticker-1", now, "gateway-1", now - 60_000, "gateway-0");
    await rig.redis.hset(rig.keys.node("ticker-1"), { role: "ticker", leases: 1 });
    await rig.redis.hset(rig.keys.node("gateway-1"), { role: "gateway", sockets: 7 });
    expect(await rig.store.stats()).toEqual({
      total_sessions: 4,
      active_sessions: 2,
      paused_sessions: 1,
      stopped_sessions: 1,
      connected_sockets: 7,
      mode_distribution: { REPLAY: 3, LIVE: 1, SIMULATION: 0 },
      average_session_duration_seconds: 0,
      created_total: 4,
      expired_total: 0,
      deleted_total: 0,
      created_per_minute: expect.closeTo(4, 0),
      cleaned_up_per_minute: 0,
      sessions_by_node: { "ticker-1": 1 },
    });
  });
});

test("[S16] while Redis is away every operation is refused", async () => {
  const log = createLogger({ service: "test", node: "test", level: "silent" });
  const redis = connectRedis({ url: "redis://127.0.0.1:1", purpose: "commands", name: "test", log });
  const away = new SessionStore(redis, keysWith("test"));
  const record = await opened();
  const operations = [
    () => away.read("a"),
    () => away.create(record),
    () => away.replace(record, revised(record), "command"),
    () => away.touch("a"),
    () => away.epochs("a"),
    () => away.delete("a"),
    () => away.list({ limit: 1 }),
    () => away.stats(),
  ];
  for (const operation of operations) {
    await expect(operation()).rejects.toMatchObject({ code: "UNAVAILABLE", status: 503, retryAfter: 1 });
  }
  redis.disconnect();
});
