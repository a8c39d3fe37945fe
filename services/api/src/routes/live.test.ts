import { TestFeed } from "@tapedeck/live/testing";
import { healthAnswer, sessionView } from "@tapedeck/protocol";
import { connectRedis, createLogger, untilReady } from "@tapedeck/runtime";
import { MemoryTapeStore } from "@tapedeck/tape";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { z } from "zod";
import { startTestApi, type TestApi } from "../testing/start-api.js";

const log = createLogger({ service: "api", node: "test", level: "silent" });
const store = new MemoryTapeStore();
const redis = connectRedis({ url: inject("redisUrl"), purpose: "publisher", name: "feed-test", log });
let api: TestApi;
let feed: TestFeed;
beforeAll(async () => {
  await untilReady(redis);
  api = await startTestApi({ redisUrl: inject("redisUrl"), tapes: store });
  feed = await TestFeed.claim({ redis, keys: api.keys, store, log });
  await feed.append(200); // 20 s of market
  await api.ask("POST", "/sessions/create", { body: { session_id: "mine", mode: "LIVE" } });
});
afterAll(async () => {
  await feed.writer.release();
  await api.stop();
  redis.disconnect();
});

const ask = async (path: string, body?: object) => (await api.ask(body ? "POST" : "GET", path, body && { body })).json;
const session = async () => sessionView.parse(await ask("/replay/state/mine"));
const seqsOf = (frames: unknown) =>
  z
    .array(z.looseObject({ seq: z.int() }))
    .parse(frames)
    .map(({ seq }) => seq);

describe("a LIVE session", () => {
  test("[LV60] shows the status of its feed, and that it is at the edge", async () => {
    expect(await session()).toMatchObject({ tape: feed.tape, feed: { status: "up" }, behind_ms: 0, state: "PLAYING" });
    await feed.append(1);
    expect(await session()).toMatchObject({ behind_ms: 0, controller_state: { cursor_seq: feed.last } });
  });

  test("[LV62] shows the newest frames since it was created", async () => {
    await feed.append(3);
    expect(seqsOf(await ask("/features?session_id=mine"))).toEqual([199, 200, 201, 202, 203]);
    expect(await ask("/snapshot/latest?session_id=mine")).toMatchObject({ seq: 203, symbol: "BTCUSDT" });
  });

  test("[LV60] shows how far behind the edge it is while paused or rewound", async () => {
    await ask("/replay/pause/mine", {});
    await feed.append(10);
    expect(await session()).toMatchObject({ state: "PAUSED", behind_ms: 1000 });
    expect(await ask("/replay/goback/5/mine", {})).toMatchObject({ behind_ms: 6000 });
    expect(seqsOf(await ask("/features?session_id=mine")).at(-1)).toBe(153);
    expect(await ask("/replay/live/mine", {})).toMatchObject({ behind_ms: 0, state: "PLAYING" });
  });

  test("[LV62] is listed with its feed, and its tape with the others", async () => {
    expect(await ask("/sessions?mode=LIVE")).toMatchObject({
      sessions: [{ session_id: "mine", feed: { status: "up" } }],
    });
    expect(await ask("/tapes")).toMatchObject({ tapes: [{ symbol: "BTCUSDT", growing: true, frames: feed.last + 1 }] });
  });

  test("[TP80] whose tape grows prevents its deletion, also by force: it is being recorded", async () => {
    const [id] = feed.tape.split("@");
    for (const path of [`/tapes/${id}`, `/tapes/${feed.tape}?force=true`]) {
      expect((await api.ask("DELETE", path)).json).toMatchObject({
        code: "TAPE_IN_USE",
        message: expect.stringContaining(`Tape ${id} is being recorded`),
      });
    }
    await feed.append(1);
    expect(await session()).toMatchObject({ tape: feed.tape, controller_state: { cursor_seq: feed.last } });
  });

  test("[LV61] /health lists the feeds in demand; a feed that is down does not degrade a node", async () => {
    await feed.publishStatus({ status: "down", reason: "The venue is closed." });
    const health = healthAnswer.parse(await ask("/health"));
    expect(health).toMatchObject({
      status: "healthy",
      feeds: [{ source: "BINANCE", symbol: "BTCUSDT", status: "down", reason: "The venue is closed." }],
    });
    expect(await session()).toMatchObject({ feed: { status: "down", reason: "The venue is closed." } });
  });

  test("[LV63] created before its feed's tape switches to it when it is read, without any socket", async () => {
    const market = { session_id: "early", mode: "LIVE", symbol: "ETHUSDT" };
    await api.ask("POST", "/sessions/create", { body: market });
    expect(await ask("/sessions/early")).toMatchObject({ session: { tape: null, feed: { status: "connecting" } } });
    expect(await ask("/features?session_id=early")).toEqual([]);
    const its = await TestFeed.claim({ redis, keys: api.keys, store, log, symbol: "ETHUSDT" });
    await its.append(5);
    expect(await ask("/sessions/early")).toMatchObject({ session: { tape: its.tape, behind_ms: 0 } });
    await its.append(2);
    expect(seqsOf(await ask("/features?session_id=early")).at(-1)).toBe(6);
    await its.writer.release();
  });

  test("[LV63] switches to its feed's tape when its frames are read, or a command names a place", async () => {
    for (const id of ["looked-at", "rewound", "paused"]) {
      await api.ask("POST", "/sessions/create", { body: { session_id: id, mode: "LIVE", symbol: "SOLUSDT" } });
    }
    expect(await ask("/replay/goback/1/rewound", {})).toMatchObject({ status: "error", code: "NO_TAPE" });
    const its = await TestFeed.claim({ redis, keys: api.keys, store, log, symbol: "SOLUSDT" });
    await its.append(50);
    expect(await ask("/snapshot/latest?session_id=looked-at")).toMatchObject({ seq: 49 });
    expect(await ask("/replay/goback/1/rewound", {})).toMatchObject({ status: "success", behind_ms: 1000 });
    expect(await ask("/replay/pause/paused", {})).toMatchObject({
      state: "PAUSED",
      controller_state: { cursor_seq: 49 },
    });
    await its.writer.release();
  });

  test("[LV60] survives the loss of its tape in Redis, and waits for the next one", async () => {
    await api.redis.del(api.keys.live("BINANCE", "BTCUSDT"), api.keys.liveTape("BINANCE", "BTCUSDT"));
    const without = await startTestApi({ redisUrl: inject("redisUrl"), prefix: prefixOf(api), tapes: store });
    const { json } = await without.ask("GET", "/replay/state/mine");
    expect(json).toMatchObject({ cursor_ts: null, feed: { status: "connecting" } });
    expect((await without.ask("GET", "/features?session_id=mine")).json).toEqual([]);
    await without.stop();
  });
});

function prefixOf({ keys }: TestApi): string {
  return keys.stats.slice(0, -":stats".length);
}
