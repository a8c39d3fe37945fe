import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { frame, loginBody } from "@tapedeck/protocol";
import { FolderTapeStore, MemoryTapeStore } from "@tapedeck/tape";
import { writeTestTape } from "@tapedeck/tape/testing";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { z } from "zod";
import { startTestApi, type TestApi } from "../testing/start-api.js";

const tapes = new MemoryTapeStore();
let api: TestApi;
beforeAll(async () => {
  await writeTestTape(tapes, { id: "gappy", symbol: "BTCUSDT", frames: 500, gapAfter: [{ seq: 200, ms: 60_000 }] });
  api = await startTestApi({ redisUrl: inject("redisUrl"), tapes });
  await api.ask("POST", "/sessions/create", { body: { session_id: "s1" } });
});
afterAll(() => api.stop());

async function features(query = "?session_id=s1") {
  return z.array(frame).parse((await api.ask("GET", `/features${query}`)).json);
}

describe("a session's frames", () => {
  test("[A50] are the last 100 up to the playhead, oldest first", async () => {
    await api.ask("POST", "/replay/s1/seek", { body: { seq: 250 } });
    expect((await features()).map(({ seq }) => seq)).toEqual(Array.from({ length: 100 }, (_, n) => 151 + n));
    const latest = frame.parse((await api.ask("GET", "/snapshot/latest?session_id=s1")).json);
    expect(latest).toEqual((await features()).at(-1));
  });

  test("[A50] are fewer near the tape's start", async () => {
    await api.ask("POST", "/replay/s1/seek", { body: { seq: 3 } });
    expect((await features()).map(({ seq }) => seq)).toEqual([0, 1, 2, 3]);
  });

  test("[A50] are empty for an absent session, and default to global", async () => {
    expect(await features("?session_id=nobody")).toEqual([]);
    expect((await api.ask("GET", "/snapshot/latest?session_id=nobody")).json).toEqual({});
    await api.ask("POST", "/replay/seek", { body: { seq: 20 } });
    expect(await features("")).toHaveLength(21);
  });

  test("[A50] are empty while a session has no tape", async () => {
    await api.ask("POST", "/sessions/create", { body: { session_id: "live", mode: "LIVE" } });
    expect(await features("?session_id=live")).toEqual([]);
    expect((await api.ask("GET", "/snapshot/latest?session_id=live")).json).toEqual({});
  });
});

describe("reports on frames", () => {
  test("[A57] anomalies of the last frames have a time, and are counted by kind", async () => {
    await api.ask("POST", "/replay/s1/seek", { body: { seq: 160 } });
    const { json } = await api.ask("GET", "/anomalies?session_id=s1");
    expect(json).toMatchObject([
      { type: "SPOOFING", severity: "high", message: "frame 99", timestamp: "2024-08-08T12:00:09.900Z" },
      { message: "frame 149" },
    ]);
    expect((await api.ask("GET", "/anomalies/summary?session_id=s1")).json).toEqual({
      quote_stuffing: 0,
      layering: 0,
      momentum_ignition: 0,
      wash_trading: 0,
      iceberg_orders: 0,
      spoofing: 2,
      liquidity_gaps: 0,
    });
  });

  test("[A57] trades of the last frames have their effective spread", async () => {
    await api.ask("POST", "/replay/s1/seek", { body: { seq: 4 } });
    const { json } = await api.ask("GET", "/trades/classification?session_id=s1");
    expect(json).toMatchObject({
      count: 2,
      trades: [
        {
          timestamp: "2024-08-08T12:00:00.000Z",
          price: 60000.01,
          side: "buy",
          mid_price: 60000,
          effective_spread: 0.02,
        },
        { timestamp: "2024-08-08T12:00:00.300Z", side: "buy", effective_spread: 0.02 },
      ],
    });
  });

  test("[A57] each kind of anomaly, spreads, vpin, unusual trades and alerts have their own route", async () => {
    await api.ask("POST", "/replay/s1/seek", { body: { seq: 160 } });
    const get = async (path: string) =>
      (await api.ask("GET", `${path}${path.includes("?") ? "&" : "?"}session_id=s1`)).json;
    expect(await get("/anomalies/spoofing")).toMatchObject([{ type: "SPOOFING", mid_price: expect.anything() }, {}]);
    for (const kind of [
      "liquidity-gaps",
      "quote-stuffing",
      "layering",
      "momentum-ignition",
      "wash-trading",
      "iceberg-orders",
    ]) {
      expect(await get(`/anomalies/${kind}`)).toEqual([]);
    }
    expect(await get("/trades/spreads")).toMatchObject({ count: 33, statistics: { effective_spread: { mean: 0.02 } } });
    expect(await get("/trades/vpin")).toMatchObject({ vpin_history: [], count: 0, statistics: { current: 0 } });
    expect(await get("/trades/anomalies")).toEqual({ anomalies: [], count: 0 });
    expect(await get("/alerts/history")).toMatchObject([{ type: "SPOOFING", severity: "high" }, {}]);
    expect(await get("/alerts/history?limit=1")).toMatchObject([{ message: "frame 149" }]);
    expect(await get("/alerts/history?limit=-5")).toEqual([]);
    expect(await get("/alerts/history?limit=99999")).toHaveLength(2);
    expect(await get("/alerts/stats")).toMatchObject({ total_alerts_logged: 2, alert_counts_by_type: { SPOOFING: 2 } });
  });

  test("[A57] all are empty for an absent session", async () => {
    expect((await api.ask("GET", "/anomalies?session_id=nobody")).json).toEqual([]);
    expect((await api.ask("GET", "/trades/classification?session_id=nobody")).json).toEqual({ trades: [], count: 0 });
  });
});

describe("tapes", () => {
  const about = { id: "gappy", symbol: "BTCUSDT", source: "TEST", frames: 500, from: "2024-08-08T12:00:00.000Z" };

  test("[A51] are listed, and described by id and by version", async () => {
    expect((await api.ask("GET", "/tapes")).json).toMatchObject({ tapes: [about] });
    expect((await api.ask("GET", "/tapes/gappy")).json).toMatchObject({
      ...about,
      version: 1,
      gaps: [{ reason: "silence" }],
    });
    expect((await api.ask("GET", "/tapes/gappy@1")).json).toMatchObject(about);
    expect(await api.ask("GET", "/tapes/gappy@2")).toMatchObject({ status: 404 });
  });

  test("[A51] have overviews with at most the requested number of points", async () => {
    const drawn = async (query: string) => Object((await api.ask("GET", `/tapes/gappy/overview${query}`)).json);
    expect((await drawn("?points=50")).points.length).toBeLessThanOrEqual(50);
    expect((await drawn("")).points.length).toBeGreaterThan(50);
    expect(await drawn("?points=50")).toMatchObject({
      gaps: [{ reason: "silence" }],
      events: expect.arrayContaining([]),
    });
    expect(await api.ask("GET", "/tapes/gappy/overview?points=1")).toMatchObject({ status: 422 });
  });

  test("[A1] a damaged block is a refusal that names tape and block, and affects no other session", async () => {
    const folder = await mkdtemp(join(tmpdir(), "tapedeck-api-"));
    const store = new FolderTapeStore(folder);
    await writeTestTape(store, { id: "broken", frames: 300 });
    await writeTestTape(store, { id: "sound", frames: 300 });
    const own = await startTestApi({ redisUrl: inject("redisUrl"), tapes: store });
    for (const tape of ["broken", "sound"]) {
      await own.ask("POST", "/sessions/create", { body: { session_id: tape, tape } });
      await own.ask("POST", `/replay/seek/${tape}`, { body: { seq: 250 } });
    }
    await damageBlocks(join(folder, "broken"));
    const fresh = await startTestApi({
      redisUrl: inject("redisUrl"),
      tapes: store,
      prefix: own.keys.stats.replace(/:stats$/, ""),
    });
    const answer = await fresh.ask("GET", "/features?session_id=broken");
    expect(answer.status).toBe(409);
    expect(answer.json).toMatchObject({ code: "TAPE_DAMAGED", message: expect.stringMatching(/broken.*block/) });
    expect(await fresh.ask("GET", "/features?session_id=sound")).toMatchObject({ status: 200 });
    await Promise.all([own.stop(), fresh.stop()]);
    await rm(folder, { recursive: true });
  });
});

/** Turns one byte in the middle of every file of blocks around. */
async function damageBlocks(folder: string): Promise<void> {
  const files = await readdir(folder, { recursive: true, withFileTypes: true });
  for (const file of files.filter(({ name }) => /block/.test(name))) {
    const path = join(file.parentPath, file.name);
    const bytes = await readFile(path);
    for (let at = 0; at < bytes.length; at += 500) bytes[at] = (bytes[at] ?? 0) ^ 0xff;
    await writeFile(path, bytes);
  }
}

describe("monitoring", () => {
  test("[A9] health is healthy while Redis is available", async () => {
    expect((await api.ask("GET", "/health")).json).toMatchObject({ status: "healthy", issues: [], mode: "REPLAY" });
    expect(await api.ask("GET", "/health/live")).toMatchObject({ status: 200 });
    expect(await api.ask("GET", "/health/ready")).toMatchObject({ status: 200, json: { status: "ready" } });
  });

  test.each([
    ["text/plain", "text/plain"],
    ["application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2,*/*;q=0.1", "text/plain"],
    ["*/*", "application/json"],
    ["text/html,application/xhtml+xml,*/*;q=0.8", "application/json"],
    ["application/json, text/plain, */*", "application/json"],
  ])("[A52] /metrics with Accept %s answers %s", async (accept, type) => {
    const answer = await api.ask("GET", "/metrics", { headers: { accept } });
    expect(answer.headers.get("content-type")).toContain(type);
    if (type === "text/plain")
      expect(answer.text).toMatch(/tapedeck_api_request_seconds_count\{.*route="\/sessions\/create"/);
    else expect(answer.json).toMatchObject({ mode: expect.stringMatching(/^(REPLAY|LIVE|SIMULATION)$/) });
  });

  test("[A53] the dashboard sums the nodes' heartbeats", async () => {
    const own = await startTestApi({ redisUrl: inject("redisUrl"), tapes });
    const beat = async (node: string, fields: Record<string, string | number>) => {
      await own.redis.hset(own.keys.node(node), { node, ...fields });
      await own.redis.zadd(own.keys.nodes, Date.now(), node);
    };
    await beat("g1", { role: "gateway", sockets: 3, messages_sent: 100, errors: 1 });
    await beat("g2", { role: "gateway", sockets: 4, messages_sent: 50, errors: 0 });
    await beat("t1", {
      role: "ticker",
      leases: 2,
      frames_published: 70,
      frames_per_second: 8,
      late_p50_ms: 1,
      late_p99_ms: 5,
    });
    await own.redis.zadd(own.keys.nodes, Date.now() - 60_000, "dead");
    expect((await own.ask("GET", "/metrics/dashboard")).json).toMatchObject({
      mode: "REPLAY",
      buffer_size: 0,
      total_snapshots_processed: 70,
      snapshots_per_second: 8,
      total_websocket_messages_sent: 150,
      active_websocket_connections: 7,
      total_errors: 1,
      error_breakdown: { gateway: 1 },
      avg_latency_ms: 1,
      p99_latency_ms: 5,
      sessions: { total_sessions: 0, connected_sockets: 7, sessions_by_node: { t1: 2 } },
      nodes: [{ node: "g1", sockets: 3 }, { node: "g2" }, { node: "t1", role: "ticker" }],
    });
    await own.stop();
  });

  test("[A71] the dashboard has the keys of the first version, for the requested session", async () => {
    const own = await startTestApi({ redisUrl: inject("redisUrl"), tapes });
    const dashboard = async (query = "") => Object((await own.ask("GET", `/metrics/dashboard${query}`)).json);
    const absent = { controller_state: null, replay_speed: null, last_snapshot_ago_seconds: null };
    const parts = ["adaptive_processor", "avg_processing_time_ms", "cpp_avg_latency_ms", "cpp_samples", "db_pool"];
    parts.push("engine", "performance_improvement", "python_avg_latency_ms", "python_samples");
    expect(await dashboard()).toMatchObject({ ...absent, ...Object.fromEntries(parts.map((part) => [part, null])) });

    await own.ask("POST", "/sessions/create", { body: { session_id: "s1", speed: 0.5 } });
    expect(await dashboard("?session_id=s1")).toMatchObject({
      ...absent,
      controller_state: "STOPPED",
      replay_speed: 0.5,
    });
    await own.ask("POST", "/replay/s1/start");
    const { controller_state, last_snapshot_ago_seconds: ago } = await dashboard("?session_id=s1");
    expect(controller_state).toBe("PLAYING");
    // Ten frames a second at half the speed.
    expect(ago).toBeGreaterThanOrEqual(0);
    expect(ago).toBeLessThanOrEqual(0.2);
    await own.ask("POST", "/replay/s1/pause");
    expect(await dashboard("?session_id=s1")).toMatchObject({
      ...absent,
      controller_state: "PAUSED",
      replay_speed: 0.5,
    });
    expect(await dashboard()).toMatchObject(absent);
    await own.stop();
  });
});

describe("logins", () => {
  const login = loginBody.parse({ email: "ada@example.com", password: "correct horse" });

  test("[A54] register answers 201, login 200, and nothing is stored", async () => {
    const keys = async () => (await api.redis.keys(`${api.keys.stats.replace(/:stats$/, "")}*`)).sort();
    const before = await keys();
    const registered = await api.ask("POST", "/auth/register", { body: { name: "Ada", ...login } });
    expect(registered.status).toBe(201);
    expect(registered.json).toMatchObject({
      access_token: expect.stringMatching(/./),
      token_type: "bearer",
      user: { id: 1, name: "Ada", email: "ada@example.com", created_at: expect.stringMatching(/Z$/) },
    });
    const back = await api.ask("POST", "/auth/login", { body: login });
    expect(back.status).toBe(200);
    expect(back.json).toMatchObject({ user: { name: "ada" } });
    expect(await keys()).toEqual(before);
  });

  test("[A5] a login without an email answers 400", async () => {
    expect(await api.ask("POST", "/auth/login", { body: {} })).toMatchObject({ status: 400 });
  });
});
