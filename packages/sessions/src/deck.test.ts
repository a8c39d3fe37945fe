import { setTimeout as delay } from "node:timers/promises";
import { type Command, RefusedError } from "@tapedeck/protocol";
import { afterEach, beforeEach, describe, expect, inject, test, vi } from "vitest";
import { parseHead } from "./channel.js";
import { decodeState } from "./record-codec.js";
import { type DeckOnRedis, deckOnRedis } from "./testing/deck-on-redis.js";
import { shelf, steadyTape } from "./testing/synthetic-tape.js";

let on: DeckOnRedis;
beforeEach(() => {
  on = deckOnRedis(inject("redisUrl"));
});
afterEach(async () => {
  expect(on.warnings).toEqual([]);
  await on.close();
});

const seekTo = (seq: number): Command => ({ type: "seek", to: { seq } });

describe("opening", () => {
  test("[D10] [L1] makes a session that stands at the start, or plays when it is told to", async () => {
    expect((await on.deck.open("a")).record).toMatchObject({ state: "STOPPED", reason: "start", rev: 1, maxFps: 30 });
    expect(on.requested).toEqual([]);
    const { record } = await on.deck.open("b", { start: true, speed: 4, maxFps: 20, loop: true });
    expect(record).toMatchObject({ state: "PLAYING", rev: 1, speed: 4, maxFps: 20, loop: true });
    expect((await on.deck.open("c", { max_fps: 5, maxFps: 20 })).record.maxFps).toBe(5);
    expect(on.requested).toEqual(["b-1"]);
  });

  test("[S18] gives an id where none is brought, and refuses one that names something else", async () => {
    expect((await on.deck.open(undefined)).record.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4/);
    await expect(on.deck.open("stats")).rejects.toMatchObject({ code: "INVALID_VALUE" });
  });

  test.each([
    [{ tape: "nothing" }, "TAPE_NOT_FOUND"],
    [{ symbol: "DOGEUSDT" }, "TAPE_NOT_FOUND"],
    [{ loop: true, from: 1_723_161_255_000, to: 1_723_161_255_100 }, "LOOP_TOO_SHORT"],
    [{ mode: "LIVE", loop: true }, "NO_TAPE"],
  ] as const)("[D30] refuses %j with %s and makes nothing", async (choice, code) => {
    await expect(on.deck.open("a", choice)).rejects.toMatchObject({ code });
    expect(await on.store.read("a")).toBeUndefined();
    expect(await on.allKeys()).toEqual([]);
  });
});

describe("performing", () => {
  test("[S19] is refused for a session that does not exist, but makes global", async () => {
    await expect(on.deck.perform("a", { type: "start" })).rejects.toMatchObject({ code: "SESSION_NOT_FOUND" });
    await expect(on.deck.perform("global", { type: "unpark" })).rejects.toMatchObject({ code: "SESSION_NOT_FOUND" });
    const { record } = await on.deck.perform("global", { type: "start" });
    expect(record).toMatchObject({ id: "global", state: "PLAYING", maxFps: 20 });
  });

  test("[D14] [D30] what changes nothing and what is refused leave the hash as it was, but for the sign of life", async () => {
    await on.deck.open("a", { start: true });
    const before = await on.redis.hgetall(on.keys.session("a"));
    expect(await on.deck.perform("a", { type: "start" })).toMatchObject({ changed: false });
    await expect(on.deck.perform("a", { type: "live" })).rejects.toBeInstanceOf(RefusedError);
    expect({ ...(await on.redis.hgetall(on.keys.session("a"))), last_activity: before.last_activity }).toEqual(before);
  });

  test("[S17] commands at the same time are all applied, one after the other", async () => {
    const { record } = await on.deck.open("a");
    const commands = Array.from({ length: 40 }, (_, at) => seekTo(at));
    const done = await Promise.all(commands.map((command) => on.deck.perform("a", command)));
    expect(new Set(done.map(({ record: { rev } }) => rev)).size).toBe(40);
    const last = await on.store.read("a");
    expect(last?.record.rev).toBe(record.rev + 40);
    expect(await on.store.epochs("a")).toHaveLength(8);
  });

  test("[S13] the index follows", async () => {
    await on.deck.open("a", { start: true });
    await on.deck.perform("a", { type: "mode", mode: "LIVE" });
    await on.deck.perform("a", { type: "pause" });
    expect(await on.store.stats()).toMatchObject({
      active_sessions: 0,
      paused_sessions: 1,
      mode_distribution: { REPLAY: 0, LIVE: 1 },
    });
  });

  test("[S7] the epoch that a change of mode ends is remembered up to the playhead", async () => {
    await on.deck.open("a", { start: true, speed: 1000 });
    await vi.waitUntil(async () => (await on.store.now()) > 0);
    const { record } = await on.deck.perform("a", seekTo(60));
    await on.deck.perform("a", { type: "pause" });
    await on.deck.perform("a", { type: "mode", mode: "LIVE" });
    const [last] = await on.store.epochs("a");
    expect(last).toMatchObject({ epoch: record.epoch, tape: "synthetic@1", first: 60 });
    expect(last?.last).toBeGreaterThanOrEqual(60);
  });
});

describe("a deck that moves while its command is under way", () => {
  test.each([
    { everyMs: 20, speed: 1, tookMs: 50 },
    { everyMs: 100, speed: 1, tookMs: 150 },
    { everyMs: 1, speed: 10, tookMs: 10 },
  ])("[D70] is anchored at the last frame that was due when that was written down: %o", async (given) => {
    const { everyMs, speed, tookMs } = given;
    const shelved = shelf(steadyTape(50_000, everyMs));
    let openedMs = 0;
    const slow = deckOnRedis(inject("redisUrl"), {
      tapes: {
        ...shelved,
        open: async (id) => {
          await delay(tookMs);
          openedMs = await slow.store.now();
          return shelved.open(id);
        },
      },
    });
    try {
      let { record: before } = await slow.deck.open("a", { start: true, speed });
      const dueMs = (seq: number) => before.anchorWallMs + (seq * everyMs - before.anchorNs / 1e6) / before.speed;
      for (const command of [
        { type: "speed", value: speed / 2 },
        { type: "range", to: 1_723_161_255_000 + 40_000 * everyMs },
        { type: "pause" },
        { type: "resume" },
        { type: "step", by: { frames: 1 } },
      ] satisfies Command[]) {
        const { record } = await slow.deck.perform("a", command);
        expect(record.epoch).toBe(before.epoch);
        const shown = command.type === "step" ? record.anchorSeq - 1 : record.anchorSeq;
        // The tape was opened before anything was written: what was due then has been shown.
        if (command.type === "resume") expect(shown).toBe(before.anchorSeq);
        else expect(dueMs(shown + 1), command.type).toBeGreaterThan(openedMs);
        before = record;
      }
    } finally {
      await slow.close();
    }
  });
});

describe("tickers", () => {
  const claim = (node: string) => on.deck.perform("a", { type: "claim", node });

  test("[L1] are asked for once, until one has come", async () => {
    await on.deck.open("a");
    await on.deck.perform("a", { type: "start" });
    await on.deck.perform("a", { type: "speed", value: 3 });
    expect(on.requested).toEqual(["a-2"]);
    await claim("ticker-1");
    await on.deck.perform("a", { type: "pause" });
    expect(on.requested).toEqual(["a-2"]);
    await on.deck.perform("a", { type: "resume" });
    expect(on.requested).toEqual(["a-2", "a-6"]);
  });

  test("[L1] are not asked for by a session that needs none", async () => {
    await on.deck.open("a", { mode: "LIVE" });
    await on.deck.perform("a", { type: "pause" });
    await on.deck.perform("a", { type: "start" });
    expect(on.requested).toEqual([]);
  });

  test("[L2] hear of each change on their channel", async () => {
    await on.deck.open("a", { start: true });
    await claim("ticker-1");
    const heard = await on.listen(on.keys.tickerChannel("ticker-1"));
    const { record } = await on.deck.perform("a", seekTo(7));
    await vi.waitUntil(() => heard.length === 1);
    const [message = Buffer.alloc(0)] = heard;
    expect(decodeState(message.subarray(parseHead(message)?.body).toString())).toEqual(record);
    expect(on.requested).toEqual(["a-1"]);
    await on.deck.remove("a");
    await vi.waitUntil(() => heard.length === 2);
    expect(parseHead(heard[1] ?? Buffer.alloc(0))).toMatchObject({ kind: "D" });
  });

  test("[L2] another is asked for where nobody listens, and after a release", async () => {
    await on.deck.open("a", { start: true });
    await claim("ticker-1");
    await on.deck.perform("a", seekTo(7));
    expect(on.requested).toEqual(["a-1", "a-3"]);
    const heard = await on.listen(on.keys.tickerChannel("ticker-2"));
    await claim("ticker-2");
    await on.deck.perform("a", { type: "release", node: "ticker-2", publishedSeq: 7 });
    expect(on.requested).toEqual(["a-1", "a-3", "a-5"]);
    expect(heard).toEqual([]);
  });

  test("[D45] [L1] one is asked for when a parked session is watched again", async () => {
    await on.deck.open("a", { start: true });
    await claim("ticker-1");
    await on.deck.perform("a", { type: "park", node: "ticker-1" });
    expect(on.requested).toEqual(["a-1"]);
    await on.deck.perform("a", { type: "unpark" });
    expect(on.requested).toEqual(["a-1", "a-4"]);
  });
});
