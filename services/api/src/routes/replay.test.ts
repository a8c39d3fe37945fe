import { sessionView } from "@tapedeck/protocol";
import { MemoryTapeStore } from "@tapedeck/tape";
import { writeTestTape } from "@tapedeck/tape/testing";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { startTestApi, type TestApi } from "../testing/start-api.js";

const tapes = new MemoryTapeStore();
let api: TestApi;
beforeAll(async () => {
  await writeTestTape(tapes, { frames: 500, intervalMs: 100 });
  api = await startTestApi({ redisUrl: inject("redisUrl"), tapes });
});
afterAll(() => api.stop());

let count = 0;

async function session(): Promise<string> {
  const session_id = `deck-${count++}`;
  await api.ask("POST", "/sessions/create", { body: { session_id } });
  return session_id;
}

async function stateOf(id: string, of: TestApi = api) {
  return sessionView.parse((await of.ask("GET", `/replay/state/${id}`)).json);
}

const orders = [
  ["action first", (id: string, words: string) => `/replay/${words}/${id}`],
  ["id first", (id: string, words: string) => `/replay/${id}/${words}`],
] as const;

describe.each(orders)("%s", (_, path) => {
  test.each([
    ["start", undefined, "started", { state: "PLAYING" }],
    ["pause", undefined, "paused", { state: "PAUSED" }],
    ["resume", undefined, "resumed", { state: "PLAYING" }],
    ["stop", undefined, "stopped", { state: "STOPPED" }],
    ["speed/0.5", undefined, "success", { speed: 0.5, controller_state: { speed: 0.5 } }],
    ["speed/1000", undefined, "success", { speed: 1000 }],
    ["goback/2.5", undefined, "success", { state: "PAUSED" }],
    ["seek", { seq: 42 }, "success", { state: "PAUSED", controller_state: { cursor_seq: 42 } }],
    ["seek", { ts: "2024-08-08T12:00:07.050Z" }, "success", { cursor_ts: "2024-08-08T12:00:07.000Z" }],
    ["seek", { ts: 1723118407000 }, "success", { cursor_ts: "2024-08-08T12:00:07.000Z" }],
    ["seek", { fraction: 1 }, "success", { controller_state: { cursor_seq: 499 } }],
    [
      "seek",
      { event: "next", type: "SPOOFING", min_severity: "high" },
      "success",
      { controller_state: { cursor_seq: 49 } },
    ],
    ["step", { frames: 3 }, "success", { state: "PAUSED", controller_state: { cursor_seq: 3 } }],
    ["step", { ms: 1000 }, "success", { cursor_ts: "2024-08-08T12:00:01.000Z" }],
    ["range", { from: "2024-08-08T12:00:10Z", to: null, loop: true }, "success", { controller_state: { loop: true } }],
  ])("[A30] [A32] %s %j answers %s and the session", async (words, body, status, expected) => {
    const id = await session();
    const answer = await api.ask("POST", path(id, words), { body });
    expect(answer.status).toBe(200);
    expect(answer.json).toMatchObject({ status, session_id: id, ...expected });
    expect(await stateOf(id)).toMatchObject(expected);
  });

  test("[A33] repeated and early commands succeed, and change nothing if there is nothing to change", async () => {
    const id = await session();
    const said = async (words: string) => {
      const { status, json } = await api.ask("POST", path(id, words), {
        headers: { "content-type": "application/octet-stream", authorization: "Bearer null" },
      });
      expect(status).toBe(200);
      return sessionView.parse(json);
    };
    expect(await said("stop")).toMatchObject({ state: "STOPPED", rev: 1 });
    for (const [words, state] of [
      ["resume", "PLAYING"],
      ["pause", "PAUSED"],
      ["start", "PLAYING"],
      ["stop", "STOPPED"],
    ] as const) {
      const first = await said(words);
      expect(first.state).toBe(state);
      for (let again = 0; again < 3; again++) {
        expect(await said(words)).toMatchObject({ state, rev: first.rev, epoch: first.epoch });
      }
    }
  });

  test("[A34] live outside LIVE answers 409 and changes nothing", async () => {
    const id = await session();
    const before = await api.redis.hgetall(api.keys.session(id));
    const answer = await api.ask("POST", path(id, "live"));
    expect(answer.status).toBe(409);
    expect(answer.json).toMatchObject({ code: "NOT_LIVE" });
    expect(await api.redis.hgetall(api.keys.session(id))).toEqual(before);
  });

  test("[A34] an event that does not exist answers 409; a loop that is too short 422, naming the minimum", async () => {
    const id = await session();
    expect(await api.ask("POST", path(id, "seek"), { body: { event: "previous" } })).toMatchObject({ status: 409 });
    const body = { from: "2024-08-08T12:00:01Z", to: "2024-08-08T12:00:01.100Z", loop: true };
    const answer = await api.ask("POST", path(id, "range"), { body });
    expect(answer.status).toBe(422);
    expect(answer.json).toMatchObject({ code: "LOOP_TOO_SHORT", message: expect.stringContaining("250") });
  });
});

test("[A30] GET /replay/state/{id} and /replay/{id}/state answer the session", async () => {
  const id = await session();
  const view = await stateOf(id);
  expect(view).toMatchObject({ session_id: id, state: "STOPPED" });
  expect((await api.ask("GET", `/replay/${id}/state`)).json).toMatchObject(view);
});

test("[A39] state and commands contain is_playing and is_paused, as in the first version", async () => {
  const id = await session();
  const asked = async (method: string, path: string) => (await api.ask(method, path)).json;
  expect(await asked("GET", `/replay/state/${id}`)).toMatchObject({ is_playing: false, is_paused: false });
  expect(await asked("POST", `/replay/start/${id}`)).toMatchObject({ is_playing: true, is_paused: false });
  expect(await asked("GET", `/replay/${id}/state`)).toMatchObject({ is_playing: true, is_paused: false });
  expect(await asked("POST", `/replay/${id}/pause`)).toMatchObject({ is_playing: false, is_paused: true });
  expect(await asked("GET", `/replay/state/${id}`)).toMatchObject({ is_playing: false, is_paused: true });
  expect(await asked("POST", "/replay/start")).toMatchObject({ is_playing: true, is_paused: false });
  expect(await asked("GET", "/replay/state")).toMatchObject({ is_playing: true, is_paused: false });
});

test("[A31] a first segment that names an action is read as the action", async () => {
  const id = await session();
  expect((await api.ask("POST", `/replay/speed/5/${id}`)).json).toMatchObject({ session_id: id, speed: 5 });
  expect((await api.ask("POST", "/replay/speed/7")).json).toMatchObject({ session_id: "global", speed: 7 });
  expect(await api.ask("POST", `/replay/speed/${id}`)).toMatchObject({ status: 400 });
  expect(await api.ask("POST", "/replay/start/pause")).toMatchObject({ status: 404 });
});

test("[A35] a command changes only its own session", async () => {
  const [a, b, c] = [await session(), await session(), await session()];
  const others = async () => Promise.all([b, c].map((id) => api.redis.hgetall(api.keys.session(id))));
  const before = await others();
  for (const words of ["start", "speed/10", "pause", "goback/1", "stop"])
    await api.ask("POST", `/replay/${words}/${a}`);
  await api.ask("POST", `/mode/${a}`, { body: { mode: "LIVE", symbol: "ETHUSDT" } });
  await api.ask("DELETE", `/sessions/${a}`);
  expect(await others()).toEqual(before);
});

describe("the session global", () => {
  test("[A36] GETs answer {} while it is absent, also by name", async () => {
    const own = await startTestApi({ redisUrl: inject("redisUrl"), tapes });
    for (const path of [
      "/replay/state",
      "/mode",
      "/replay/state/global",
      "/replay/global/state",
      "/mode/global",
      "/snapshot/latest",
    ]) {
      expect(await own.ask("GET", path)).toMatchObject({ status: 200, json: {} });
    }
    expect(await own.ask("GET", "/features")).toMatchObject({ status: 200, json: [] });
    expect(await own.ask("GET", "/sessions/global")).toMatchObject({ status: 200, json: { session: {} } });
    expect(await own.ask("DELETE", "/sessions/global")).toMatchObject({ status: 404 });
    expect(await own.redis.exists(own.keys.session("global"))).toBe(0);
    await own.stop();
  });

  test.each([
    ["/replay/start", undefined, { status: "started", state: "PLAYING" }],
    ["/replay/pause", undefined, { status: "paused", state: "PAUSED" }],
    ["/replay/resume", undefined, { status: "resumed", state: "PLAYING" }],
    ["/replay/stop", undefined, { status: "stopped", state: "STOPPED" }],
    ["/replay/speed/2", undefined, { status: "success", speed: 2 }],
    ["/replay/goback/10", undefined, { status: "success", state: "PAUSED" }],
    ["/replay/seek", { seq: 9 }, { status: "success", controller_state: { cursor_seq: 9 } }],
    ["/mode", { mode: "LIVE" }, { status: "success", mode: "LIVE" }],
    ["/replay/pause/global", undefined, { status: "paused" }],
  ])("[A36] POST %s %j makes it when it is absent", async (path, body, expected) => {
    const own = await startTestApi({ redisUrl: inject("redisUrl"), tapes });
    const answer = await own.ask("POST", path, { body });
    expect(answer.status).toBe(200);
    expect(answer.json).toMatchObject({ session_id: "global", controller_state: { max_fps: 20 }, ...expected });
    await own.stop();
  });
});
