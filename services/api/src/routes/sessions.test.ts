import { sessionView } from "@tapedeck/protocol";
import { connectRedis, createLogger } from "@tapedeck/runtime";
import { MemoryTapeStore } from "@tapedeck/tape";
import { writeTestTape } from "@tapedeck/tape/testing";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { z } from "zod";
import { startTestApi, type TestApi } from "../testing/start-api.js";

const tapes = new MemoryTapeStore();
let api: TestApi;
beforeAll(async () => {
  await writeTestTape(tapes, { id: "first", symbol: "BTCUSDT" });
  api = await startTestApi({ redisUrl: inject("redisUrl"), tapes });
});
afterAll(() => api.stop());

const created = z.object({ session_id: z.string(), created: z.boolean(), session: sessionView });

async function create(body?: object) {
  return created.parse((await api.ask("POST", "/sessions/create", body === undefined ? {} : { body })).json);
}

describe("creating", () => {
  test("[A20] without a body creates a STOPPED session with a random UUID at the tape's start", async () => {
    const { session_id, session } = await create();
    expect(session_id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(session).toMatchObject({
      session_id,
      user_id: null,
      mode: "REPLAY",
      active_symbol: null,
      tape: "first@1",
      state: "STOPPED",
      speed: 1,
      cursor_ts: "2024-08-08T12:00:00.000Z",
      connections: 0,
    });
    expect(session.controller_state).toMatchObject({ state: "STOPPED", speed: 1, cursor_ts: session.cursor_ts });
  });

  test("[A20] uses the given id and choices, and ignores null", async () => {
    const { session } = await create({
      session_id: "session_1735900000000_ab12cd34e",
      symbol: "BTCUSDT",
      source: null,
      speed: 2.5,
      max_fps: 0,
      loop: true,
      from: "2024-08-08T12:00:10.000Z",
      to: 1723118420000,
    });
    expect(session).toMatchObject({
      session_id: "session_1735900000000_ab12cd34e",
      active_symbol: "BTCUSDT",
      speed: 2.5,
      cursor_ts: "2024-08-08T12:00:10.000Z",
      controller_state: { max_fps: 0, loop: true, to_ts: "2024-08-08T12:00:20.000Z" },
    });
  });

  test("[A21] an existing id returns that session unchanged", async () => {
    await create({ session_id: "twice", speed: 3 });
    const { created: again, session } = await create({ session_id: "twice", speed: 7 });
    expect(again).toBe(false);
    expect(session).toMatchObject({ speed: 3, rev: 1 });
  });

  test.each(["global", "create", "stats", "pause", "", "-x", "a b", "x".repeat(101)])(
    "[A22] %j is refused",
    async (id) => {
      const answer = await api.ask("POST", "/sessions/create", { body: { session_id: id } });
      expect(answer.status).toBe(422);
      expect(answer.json).toMatchObject({
        code: "INVALID_VALUE",
        message: expect.stringMatching(/^session_id: must match/),
      });
    },
  );

  test("[A12] a session created by one node is known to another", async () => {
    const other = await startTestApi({ redisUrl: inject("redisUrl"), tapes, prefix: prefixOf(api), node: "other" });
    const { session_id } = await create();
    const answer = await other.ask("POST", `/replay/${session_id}/speed/20`);
    await other.stop();
    expect(answer.headers.get("x-tapedeck-node")).toBe("other");
    expect((await api.ask("GET", `/sessions/${session_id}`)).json).toMatchObject({ session: { speed: 20 } });
  });
});

describe("listing", () => {
  test("[A23] pages of any size list every session once", async () => {
    const own = await startTestApi({ redisUrl: inject("redisUrl"), tapes });
    const ids = Array.from({ length: 7 }, (_, n) => `listed-${n}`);
    for (const session_id of ids) await own.ask("POST", "/sessions/create", { body: { session_id } });
    await own.ask("POST", "/replay/listed-3/pause");
    await own.ask("POST", "/mode/listed-4", { body: { mode: "LIVE" } });

    for (const limit of [1, 3, 7, 100]) expect(await listed(own, `limit=${limit}`)).toEqual(ids);
    expect(await listed(own, "state=PAUSED")).toEqual(["listed-3"]);
    expect(await listed(own, "mode=LIVE&limit=2")).toEqual(["listed-4"]);
    expect((await own.ask("GET", "/sessions?limit=1")).json).toMatchObject({
      total_sessions: 7,
      active_sessions: 1,
      paused_sessions: 1,
    });
    await own.stop();
  });

  test("[A5] an invalid cursor answers 422", async () => {
    expect(await api.ask("GET", "/sessions?cursor=x")).toMatchObject({ status: 422 });
  });
});

const page = z.object({ sessions: z.array(sessionView), next_cursor: z.string().nullable() });

async function listed(from: TestApi, query: string): Promise<string[]> {
  const ids: string[] = [];
  let cursor: string | null = "";
  while (cursor !== null) {
    const path: string = `/sessions?${query}${cursor && `&cursor=${encodeURIComponent(cursor)}`}`;
    const read: z.infer<typeof page> = page.parse((await from.ask("GET", path)).json);
    ids.push(...read.sessions.map((session) => session.session_id));
    cursor = read.next_cursor;
  }
  return ids.sort();
}

describe("deleting", () => {
  test("[A24] removes the session and notifies its gateways once", async () => {
    const { session_id } = await create();
    const log = createLogger({ service: "test", node: "test", level: "silent" });
    const subscriber = connectRedis({ url: inject("redisUrl"), purpose: "subscriber", name: "test", log });
    await subscriber.subscribe(api.keys.sessionChannel(session_id));
    const notification = new Promise((resolve) => subscriber.once("message", (_, message) => resolve(message)));

    const answer = await api.ask("DELETE", `/sessions/${session_id}`);
    expect(answer.status).toBe(200);
    expect(answer.json).toMatchObject({ status: "success", message: expect.stringContaining(session_id) });
    expect(await notification).toMatch(/^1 D \d+ \d+ 0 0 deleted\n/);
    expect(await api.redis.exists(api.keys.session(session_id))).toBe(0);
    expect(await api.ask("DELETE", `/sessions/${session_id}`)).toMatchObject({ status: 404 });
    expect(await api.ask("GET", `/sessions/${session_id}`)).toMatchObject({ status: 404 });
    await subscriber.quit();
  });
});

test("[A25] statistics count sessions by state and mode, and created and deleted ones", async () => {
  const own = await startTestApi({ redisUrl: inject("redisUrl"), tapes });
  for (const session_id of ["a", "b", "c", "d"]) await own.ask("POST", "/sessions/create", { body: { session_id } });
  await own.ask("POST", "/replay/a/start");
  await own.ask("POST", "/replay/b/pause");
  await own.ask("POST", "/mode/c", { body: { mode: "SIMULATION" } });
  await own.ask("DELETE", "/sessions/d");
  expect((await own.ask("GET", "/sessions/stats")).json).toMatchObject({
    total_sessions: 3,
    active_sessions: 2,
    paused_sessions: 1,
    stopped_sessions: 0,
    mode_distribution: { REPLAY: 2, LIVE: 0, SIMULATION: 1 },
    created_total: 4,
    deleted_total: 1,
    expired_total: 0,
  });
  await own.stop();
});

describe("caps", () => {
  test("[A11] a session above the cluster's limit answers 429 with Retry-After; an existing one is still returned", async () => {
    const own = await startTestApi({ redisUrl: inject("redisUrl"), tapes, caps: { sessions: 2 } });
    for (const session_id of ["a", "b"]) await own.ask("POST", "/sessions/create", { body: { session_id } });
    const refused = await own.ask("POST", "/sessions/create", { body: { session_id: "c" } });
    expect(refused.status).toBe(429);
    expect(refused.json).toMatchObject({ code: "TOO_MANY_SESSIONS" });
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(await own.ask("POST", "/sessions/create", { body: { session_id: "a" } })).toMatchObject({ status: 200 });
    await own.stop();
  });

  test("[A11] the limit per address uses X-Forwarded-For only behind a listed proxy", async () => {
    const caps = { sessionsPerAddress: 1 };
    const create = (node: TestApi, address: string) =>
      node.ask("POST", "/sessions/create", { headers: { "x-forwarded-for": address } });

    const open = await startTestApi({ redisUrl: inject("redisUrl"), tapes, caps });
    expect(await create(open, "203.0.113.1")).toMatchObject({ status: 200 });
    expect(await create(open, "203.0.113.2")).toMatchObject({ status: 429 });
    await open.stop();

    const proxied = await startTestApi({ redisUrl: inject("redisUrl"), tapes, caps, trustedProxies: "127.0.0.1" });
    expect(await create(proxied, "203.0.113.1")).toMatchObject({ status: 200 });
    expect(await create(proxied, "203.0.113.2")).toMatchObject({ status: 200 });
    expect(await create(proxied, "198.51.100.9, 203.0.113.2")).toMatchObject({ status: 429 });
    await proxied.stop();
  });
});

function prefixOf({ keys }: TestApi): string {
  return keys.stats.slice(0, -":stats".length);
}
