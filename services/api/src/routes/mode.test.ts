import { legacyFingerprint, legacySocketEntry } from "@tapedeck/runtime";
import { MemoryTapeStore } from "@tapedeck/tape";
import { writeTestTape } from "@tapedeck/tape/testing";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { startTestApi, type TestApi } from "../testing/start-api.js";

const tapes = new MemoryTapeStore();
let api: TestApi;
beforeAll(async () => {
  await writeTestTape(tapes, { id: "btc", symbol: "BTCUSDT" });
  await writeTestTape(tapes, { id: "eth", symbol: "ETHUSDT", startMs: 1_600_000_000_000 });
  api = await startTestApi({ redisUrl: inject("redisUrl"), tapes });
});
afterAll(() => api.stop());

let count = 0;

async function session(of: TestApi = api): Promise<string> {
  const session_id = `mode-${count++}`;
  await of.ask("POST", "/sessions/create", { body: { session_id } });
  return session_id;
}

async function modeOf(id: string, of: TestApi = api): Promise<unknown> {
  return (await of.ask("GET", `/mode/${id}`)).json;
}

describe("changing the mode", () => {
  test("[A41] LIVE defaults to BTCUSDT on BINANCE, plays at once, and requests its feed", async () => {
    const id = await session();
    const answer = await api.ask("POST", `/mode/${id}`, { body: { mode: "LIVE" } });
    expect(answer.status).toBe(200);
    const expected = {
      status: "success",
      session_id: id,
      mode: "LIVE",
      symbol: "BTCUSDT",
      source: "BINANCE",
      active_symbol: "BTCUSDT",
      active_source: "BINANCE",
      state: "PLAYING",
      feed: { status: "connecting" },
    };
    expect(answer.json).toMatchObject(expected);
    expect(await modeOf(id)).toMatchObject(expected);
    expect(Number(await api.redis.zscore(api.keys.liveWanted, "BINANCE:BTCUSDT"))).toBeGreaterThan(Date.now());
  });

  test("[A41] [LV1] an unknown source and an invalid symbol answer 422 and change nothing", async () => {
    const id = await session();
    for (const body of [
      { mode: "LIVE", source: "MOON" },
      { mode: "LIVE", symbol: "BTC USDT" },
    ]) {
      const answer = await api.ask("POST", `/mode/${id}`, { body });
      expect(answer).toMatchObject({ status: 422, json: { code: "INVALID_VALUE" } });
    }
    expect(await modeOf(id)).toMatchObject({ mode: "REPLAY" });
    const created = await api.ask("POST", "/sessions/create", { body: { mode: "LIVE", source: "MOON" } });
    expect(created.status).toBe(422);
  });

  test("[A41] SIMULATION plays at once, and start in LIVE keeps mode and symbol", async () => {
    const id = await session();
    const simulation = await api.ask("POST", `/mode/${id}`, { body: { mode: "SIMULATION", seed: 7 } });
    const tape = expect.stringMatching(/^sim2\.BTCUSDT\.7\.calm@/);
    expect(simulation.json).toMatchObject({ mode: "SIMULATION", state: "PLAYING", tape });
    await api.ask("POST", `/mode/${id}`, { body: { mode: "LIVE", symbol: "ETHUSDT" } });
    expect((await api.ask("POST", `/replay/start/${id}`)).json).toMatchObject({
      mode: "LIVE",
      active_symbol: "ETHUSDT",
    });
  });

  test("[A40] REPLAY with a symbol plays its newest tape, in a new epoch", async () => {
    const id = await session();
    const { json: before } = await api.ask("GET", `/replay/state/${id}`);
    const { json: after } = await api.ask("POST", `/mode/${id}`, {
      body: '{"mode":"REPLAY","symbol":"ETHUSDT","source":null}',
      headers: { "content-type": "text/plain;charset=UTF-8" },
    });
    expect(before).toMatchObject({ tape: "btc@1" });
    expect(after).toMatchObject({ mode: "REPLAY", symbol: "ETHUSDT", tape: "eth@1", state: "STOPPED" });
    expect(after).not.toMatchObject({ epoch: Object(before).epoch });
  });

  test("[A45] the current mode again answers 200 and changes nothing, for a session and for global", async () => {
    const id = await session();
    for (const [of, path] of [
      [id, `/mode/${id}`],
      ["global", "/mode"],
    ] as const) {
      await api.ask("POST", of === id ? `/replay/seek/${id}` : "/replay/seek", { body: { seq: 5 } });
      const { last_activity: _, ...before } = await api.redis.hgetall(api.keys.session(of));
      const answer = await api.ask("POST", path, { body: { mode: "REPLAY", symbol: null } });
      expect(answer).toMatchObject({ status: 200, json: { status: "success", mode: "REPLAY", state: "PAUSED" } });
      const { last_activity: __, ...after } = await api.redis.hgetall(api.keys.session(of));
      expect(after).toEqual(before);
    }
    await api.ask("DELETE", "/sessions/global");
  });

  test("[A45] a re-entered mode is as it was left, in a new epoch", async () => {
    const id = await session();
    await api.ask("POST", `/replay/seek/${id}`, { body: { seq: 5 } });
    const { json: left } = await api.ask("POST", `/mode/${id}`, { body: { mode: "SIMULATION", seed: 7 } });
    expect(left).toMatchObject({ mode: "SIMULATION", kept_modes: ["REPLAY"] });
    await api.ask("POST", `/replay/pause/${id}`);
    const { json: back } = await api.ask("POST", `/mode/${id}`, { body: { mode: "REPLAY" } });
    expect(back).toMatchObject({ state: "PAUSED", controller_state: { cursor_seq: 5 }, kept_modes: ["SIMULATION"] });
    expect(Object(back).epoch).toBeGreaterThan(Object(left).epoch);
    const { json: simulated } = await api.ask("POST", `/mode/${id}`, { body: { mode: "SIMULATION" } });
    expect(simulated).toMatchObject({ state: "PAUSED", tape: expect.stringMatching(/^sim2\.BTCUSDT\.7\.calm@/) });
  });

  test.each(["live", "", null, 5, undefined])("[A40] mode %j answers 422 and changes nothing", async (mode) => {
    const id = await session();
    const before = await api.redis.hgetall(api.keys.session(id));
    expect(await api.ask("POST", `/mode/${id}`, { body: { mode } })).toMatchObject({ status: 422 });
    expect(await api.redis.hgetall(api.keys.session(id))).toEqual(before);
  });
});

describe("POST /mode without an id", () => {
  test("[A42] acts on the session named in the body, whatever the cookie names", async () => {
    const [named, remembered] = [await session(), await session()];
    const answer = await api.ask("POST", "/mode", {
      body: { mode: "LIVE", session_id: named },
      headers: { cookie: `tapedeck_session=${remembered}` },
    });
    expect(answer.json).toMatchObject({ session_id: named, mode: "LIVE" });
    expect(await modeOf(remembered)).toMatchObject({ mode: "REPLAY" });
    expect(await api.ask("POST", "/mode", { body: { mode: "LIVE", session_id: "nobody" } })).toMatchObject({
      status: 404,
    });
  });

  test("[A42] acts on the session that the cookie names, and not on global", async () => {
    const id = await session();
    const headers = { cookie: `theme=dark; tapedeck_session=${encodeURIComponent(id)}` };
    const answer = await api.ask("POST", "/mode", { body: { mode: "SIMULATION" }, headers });
    expect(answer.json).toMatchObject({ session_id: id, mode: "SIMULATION" });
    expect(await modeOf("global")).not.toMatchObject({ mode: "SIMULATION" });
  });

  test.each(["gone-long-ago", "", "%00", "a b"])("[A42] a cookie %j that names no session is ignored", async (id) => {
    const headers = { cookie: `tapedeck_session=${id}` };
    const answer = await api.ask("POST", "/mode", { body: { mode: "REPLAY" }, headers });
    expect(answer.json).toMatchObject({ status: "success", session_id: "global" });
  });
});

describe("the cookie", () => {
  test.each([
    ["POST", (id: string) => `/replay/${id}/pause`],
    ["POST", (id: string) => `/replay/${id}/speed/5`],
    ["GET", (id: string) => `/replay/${id}/state`],
  ])("[A43] is set by %s on /replay/{id}/*", async (method, path) => {
    const id = await session();
    const { headers } = await api.ask(method, path(id));
    expect(headers.getSetCookie()).toEqual([`tapedeck_session=${id}; Path=/; HttpOnly; SameSite=Lax`]);
  });

  test("[A43] is not set by other answers or by refusals", async () => {
    const id = await session();
    for (const [method, path] of [
      ["POST", `/replay/pause/${id}`],
      ["POST", "/replay/pause"],
      ["GET", `/sessions/${id}`],
      ["GET", `/mode/${id}`],
      ["POST", `/replay/${id}/speed/0`],
      ["POST", "/replay/nobody/pause"],
    ] as const) {
      expect((await api.ask(method, path)).headers.getSetCookie()).toEqual([]);
    }
  });

  test("[A42] [A43] an id with a colon is returned unchanged", async () => {
    await api.ask("POST", "/sessions/create", { body: { session_id: "desk:7" } });
    const [cookie = ""] = (await api.ask("POST", "/replay/desk:7/pause")).headers.getSetCookie();
    const headers = { cookie: cookie.split(";")[0] ?? "" };
    const answer = await api.ask("POST", "/mode", { body: { mode: "LIVE" }, headers });
    expect(answer.json).toMatchObject({ session_id: "desk:7" });
  });
});

describe("LEGACY_MODE_GUESS", () => {
  const browser = { "user-agent": "Mozilla/5.0 (test)", origin: "http://localhost:5173" };
  const print = legacyFingerprint("127.0.0.1", browser["user-agent"], browser.origin);
  const signed = (token: string) => ({ ...browser, authorization: `Bearer ${token}` });

  /** As a gateway notes an open legacy socket. */
  const watch = (of: TestApi, id: string, deadlineMs = Date.now() + 60_000, node = "gateway-1") =>
    of.redis.zadd(of.keys.legacy(print), deadlineMs, legacySocketEntry(id, node));

  /** As the page does when its socket has opened. */
  const command = (of: TestApi, id: string, headers: Record<string, string>) =>
    of.ask("POST", `/replay/${id}/start`, { headers });

  const guessing = () => startTestApi({ redisUrl: inject("redisUrl"), tapes, legacyModeGuess: true });
  const ask = (of: TestApi, headers: Record<string, string> = browser) =>
    of.ask("POST", "/mode", { body: { mode: "LIVE" }, headers });
  const refused = { status: 409, json: { code: "WHICH_SESSION" } };

  test("[A44] selects the only session that this browser watches", async () => {
    const own = await guessing();
    const id = await session(own);
    await watch(own, id);
    await watch(own, id, Date.now() + 60_000, "gateway-2");
    await watch(own, "closed-socket", Date.now() - 1);
    expect((await ask(own)).json).toMatchObject({ session_id: id, mode: "LIVE" });
    await own.stop();
  });

  test("[A44] answers 409 if the browser watches several, and nothing changes", async () => {
    const own = await guessing();
    const ids = [await session(own), await session(own)];
    for (const id of ids) await watch(own, id);
    expect(await ask(own)).toMatchObject(refused);
    for (const id of ids) expect(await modeOf(id, own)).toMatchObject({ mode: "REPLAY" });
    expect(await modeOf("global", own)).toEqual({});
    await own.stop();
  });

  test("[A44] selects global for another browser or origin, and for a browser that watches only global", async () => {
    const own = await guessing();
    expect((await ask(own)).json).toMatchObject({ session_id: "global" });
    await watch(own, "global");
    expect((await ask(own)).json).toMatchObject({ session_id: "global" });
    await watch(own, await session(own));
    expect((await ask(own, { ...browser, "user-agent": "curl" })).json).toMatchObject({ session_id: "global" });
    expect((await ask(own, { ...browser, origin: "http://localhost:5174" })).json).toMatchObject({
      session_id: "global",
    });
    await own.stop();
  });

  test("[A46] selects for each of several similar browsers the session that its page has commanded", async () => {
    const own = await guessing();
    const [one, two] = [await session(own), await session(own)];
    for (const [id, token] of [
      [one, "1"],
      [two, "2"],
    ] as const) {
      await watch(own, id);
      await command(own, id, signed(token));
    }
    expect((await ask(own, signed("2"))).json).toMatchObject({ session_id: two });
    expect((await ask(own, signed("1"))).json).toMatchObject({ session_id: one });
    expect(await ask(own, signed("3"))).toMatchObject(refused);
    await own.stop();
  });

  test("[A46] also while its socket is closed and another browser's is open", async () => {
    const own = await guessing();
    const [one, two] = [await session(own), await session(own)];
    await command(own, one, signed("1"));
    await command(own, two, signed("2"));
    await watch(own, two);
    expect((await ask(own, signed("1"))).json).toMatchObject({ session_id: one });
    expect(await modeOf(two, own)).toMatchObject({ mode: "REPLAY" });
    await own.stop();
  });

  test("[A46] answers 409 if two browsers send the same Authorization, or none", async () => {
    for (const headers of [signed("same"), browser]) {
      const own = await guessing();
      const ids = [await session(own), await session(own)];
      for (const id of ids) {
        await watch(own, id);
        await command(own, id, headers);
      }
      expect(await ask(own, headers)).toMatchObject(refused);
      await own.redis.del(own.keys.legacy(print));
      if (headers !== browser) expect(await ask(own, headers)).toMatchObject(refused);
      for (const id of ids) expect(await modeOf(id, own)).toMatchObject({ mode: "REPLAY" });
      expect(await modeOf("global", own)).toEqual({});
      await own.stop();
    }
  });

  test("[A46] selects the only session also after its user has signed in again", async () => {
    const own = await guessing();
    const id = await session(own);
    await watch(own, id);
    await command(own, id, signed("1"));
    expect((await ask(own, signed("2"))).json).toMatchObject({ session_id: id });
    await own.stop();
  });

  test("[A46] never selects a model-test session", async () => {
    const own = await guessing();
    const [id, models] = [await session(own), "model-test-1a2b3c"];
    await own.ask("POST", "/sessions/create", { body: { session_id: models } });
    for (const each of [id, models]) await watch(own, each);
    expect((await command(own, models, browser)).headers.getSetCookie()).toEqual([]);
    expect((await ask(own)).json).toMatchObject({ session_id: id });
    await own.redis.zrem(own.keys.legacy(print), legacySocketEntry(id, "gateway-1"));
    expect((await ask(own)).json).toMatchObject({ session_id: "global" });
    await own.stop();
  });

  test("[A46] selects global for a page without an Authorization if all others send one", async () => {
    for (const legacyModeGuess of [true, false]) {
      const own = await startTestApi({ redisUrl: inject("redisUrl"), tapes, legacyModeGuess });
      const id = await session(own);
      for (const each of [id, "global"]) await watch(own, each);
      await command(own, id, signed("1"));
      expect((await ask(own)).json).toMatchObject({ session_id: "global" });
      await own.stop();
    }
  });

  test("[A47] is off by default: a page that watches its own session gets 409, and nothing changes", async () => {
    const own = await startTestApi({ redisUrl: inject("redisUrl"), tapes });
    const id = await session(own);
    await watch(own, id);
    const answer = await ask(own);
    expect(answer).toMatchObject(refused);
    expect(answer.json).toMatchObject({ message: expect.stringMatching(/LEGACY_MODE_GUESS is off.*\/mode\/\{id\}/) });
    await own.redis.del(own.keys.legacy(print));
    await command(own, id, signed("1"));
    expect(await ask(own, signed("1"))).toMatchObject(refused);
    expect(await modeOf(id, own)).toMatchObject({ mode: "REPLAY" });
    expect(await modeOf("global", own)).toEqual({});
    await own.stop();
  });

  test("[A47] is off by default: a page that watches global or nothing gets global", async () => {
    const own = await startTestApi({ redisUrl: inject("redisUrl"), tapes });
    expect((await ask(own)).json).toMatchObject({ session_id: "global" });
    await watch(own, "global");
    expect((await ask(own)).json).toMatchObject({ session_id: "global" });
    await own.stop();
  });

  test("[A46] records of pages expire 45 s after their last socket, and are limited in number", async () => {
    const own = await guessing();
    const id = await session(own);
    const key = own.keys.legacyPages(print);
    await own.redis.zadd(key, ...Array.from({ length: 1500 }, (_, nth) => [nth, `old-${nth} -`]).flat());
    await command(own, id, signed("1"));
    expect(await own.redis.zcard(key)).toBe(1000);
    expect(await own.redis.zscore(key, `old-501 -`)).not.toBeNull();
    expect(await own.redis.pttl(key)).toBeGreaterThan(40_000);
    expect(await own.redis.pttl(key)).toBeLessThanOrEqual(45_000);
    expect((await own.redis.zrange(key, "0", "-1")).join()).not.toContain("Bearer");
    await command(own, id, { "user-agent": "curl" });
    expect(await own.redis.exists(own.keys.legacyPages(legacyFingerprint("127.0.0.1", "curl", undefined)))).toBe(0);
    await own.stop();
  });
});
