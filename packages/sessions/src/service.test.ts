import { setTimeout as delay } from "node:timers/promises";
import { type Command, RefusedError } from "@tapedeck/protocol";
import { afterEach, beforeEach, describe, expect, inject, test, vi } from "vitest";
import { soon } from "../../../test/support/soon.js";
import { parseHead } from "./store/channel.js";
import { decodeState } from "./store/record-codec.js";
import { type SessionsOnRedis, sessionsOnRedis } from "./testing/sessions-on-redis.js";
import { shelf, steadyTape } from "./testing/synthetic-tape.js";

let rig: SessionsOnRedis;
beforeEach(() => {
  rig = sessionsOnRedis(inject("redisUrl"));
});
afterEach(async () => {
  expect(rig.warnings).toEqual([]);
  await rig.close();
});

const seekTo = (seq: number): Command => ({ type: "seek", to: { seq } });

describe("opening", () => {
  test("[D10] [L1] creates a session STOPPED at the start, or PLAYING with `start`", async () => {
    expect((await rig.sessions.open("a")).record).toMatchObject({
      state: "STOPPED",
      reason: "start",
      rev: 1,
      maxFps: 30,
    });
    expect(rig.requested).toEqual([]);
    const { record } = await rig.sessions.open("b", { start: true, speed: 4, maxFps: 20, loop: true });
    expect(record).toMatchObject({ state: "PLAYING", rev: 1, speed: 4, maxFps: 20, loop: true });
    expect((await rig.sessions.open("c", { max_fps: 5, maxFps: 20 })).record.maxFps).toBe(5);
    expect(rig.requested).toEqual(["b-1"]);
  });

  test("[S18] assigns an id if none is given, and refuses one that is the name of an action", async () => {
    expect((await rig.sessions.open(undefined)).record.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4/);
    await expect(rig.sessions.open("stats")).rejects.toMatchObject({ code: "INVALID_VALUE" });
  });

  test.each([
    [{ tape: "nothing" }, "TAPE_NOT_FOUND"],
    [{ symbol: "DOGEUSDT" }, "TAPE_NOT_FOUND"],
    [{ loop: true, from: 1_723_161_255_000, to: 1_723_161_255_100 }, "LOOP_TOO_SHORT"],
    [{ mode: "LIVE", loop: true }, "NO_TAPE"],
  ] as const)("[D30] refuses %j with %s and creates nothing", async (choice, code) => {
    await expect(rig.sessions.open("a", choice)).rejects.toMatchObject({ code });
    expect(await rig.store.read("a")).toBeUndefined();
    expect(await rig.allKeys()).toEqual([]);
  });
});

describe("performing", () => {
  test("[S19] is refused for a session that does not exist, but creates global", async () => {
    await expect(rig.sessions.perform("a", { type: "start" })).rejects.toMatchObject({ code: "SESSION_NOT_FOUND" });
    await expect(rig.sessions.perform("global", { type: "unpark" })).rejects.toMatchObject({
      code: "SESSION_NOT_FOUND",
    });
    const { record } = await rig.sessions.perform("global", { type: "start" });
    expect(record).toMatchObject({ id: "global", state: "PLAYING", maxFps: 20 });
  });

  test("[D14] [D30] a command that changes nothing, or is refused, leaves the hash unchanged except for last_activity", async () => {
    await rig.sessions.open("a", { start: true });
    const before = await rig.redis.hgetall(rig.keys.session("a"));
    expect(await rig.sessions.perform("a", { type: "start" })).toMatchObject({ changed: false });
    await expect(rig.sessions.perform("a", { type: "live" })).rejects.toBeInstanceOf(RefusedError);
    expect({ ...(await rig.redis.hgetall(rig.keys.session("a"))), last_activity: before.last_activity }).toEqual(
      before,
    );
  });

  test("[S17] concurrent commands are all applied, one after the other", async () => {
    const { record } = await rig.sessions.open("a");
    const commands = Array.from({ length: 40 }, (_, at) => seekTo(at));
    const done = await Promise.all(commands.map((command) => rig.sessions.perform("a", command)));
    expect(new Set(done.map(({ record: { rev } }) => rev)).size).toBe(40);
    const last = await rig.store.read("a");
    expect(last?.record.rev).toBe(record.rev + 40);
    expect(await rig.store.epochs("a")).toHaveLength(8);
  });

  test("[S13] the index follows the session", async () => {
    await rig.sessions.open("a", { start: true });
    await rig.sessions.perform("a", { type: "mode", mode: "LIVE" });
    await rig.sessions.perform("a", { type: "pause" });
    expect(await rig.store.stats()).toMatchObject({
      active_sessions: 0,
      paused_sessions: 1,
      mode_distribution: { REPLAY: 0, LIVE: 1 },
    });
  });

  test("[S7] the epoch that a change of mode ends is remembered up to the playhead", async () => {
    await rig.sessions.open("a", { start: true, speed: 1000 });
    await vi.waitUntil(async () => (await rig.store.now()) > 0, soon);
    const { record } = await rig.sessions.perform("a", seekTo(60));
    await rig.sessions.perform("a", { type: "pause" });
    await rig.sessions.perform("a", { type: "mode", mode: "LIVE" });
    const [last] = await rig.store.epochs("a");
    expect(last).toMatchObject({ epoch: record.epoch, tape: "synthetic@1", first: 60 });
    expect(last?.last).toBeGreaterThanOrEqual(60);
  });
});

describe("a session that plays while its command is resolved", () => {
  test.each([
    { everyMs: 20, speed: 1, tookMs: 50 },
    { everyMs: 100, speed: 1, tookMs: 150 },
    { everyMs: 1, speed: 10, tookMs: 10 },
  ])("[D70] is anchored at the last frame that was due when the command was written: %o", async (given) => {
    const { everyMs, speed, tookMs } = given;
    const shelved = shelf(steadyTape(50_000, everyMs));
    let openedMs = 0;
    const slow = sessionsOnRedis(inject("redisUrl"), {
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
      let { record: before } = await slow.sessions.open("a", { start: true, speed });
      const dueMs = (seq: number) => before.anchorWallMs + (seq * everyMs - before.anchorNs / 1e6) / before.speed;
      for (const command of [
        { type: "speed", value: speed / 2 },
        { type: "range", to: 1_723_161_255_000 + 40_000 * everyMs },
        { type: "pause" },
        { type: "resume" },
        { type: "step", by: { frames: 1 } },
      ] satisfies Command[]) {
        const { record } = await slow.sessions.perform("a", command);
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
  const claim = (node: string) => rig.sessions.perform("a", { type: "claim", node });

  test("[L1] are requested once, until one claims the session", async () => {
    await rig.sessions.open("a");
    await rig.sessions.perform("a", { type: "start" });
    await rig.sessions.perform("a", { type: "speed", value: 3 });
    expect(rig.requested).toEqual(["a-2"]);
    await claim("ticker-1");
    await rig.sessions.perform("a", { type: "pause" });
    expect(rig.requested).toEqual(["a-2"]);
    await rig.sessions.perform("a", { type: "resume" });
    expect(rig.requested).toEqual(["a-2", "a-6"]);
  });

  test("[L1] are not requested for a session that needs none", async () => {
    await rig.sessions.open("a", { mode: "LIVE" });
    await rig.sessions.perform("a", { type: "pause" });
    await rig.sessions.perform("a", { type: "start" });
    expect(rig.requested).toEqual([]);
  });

  test("[L2] receive each change on their channel", async () => {
    await rig.sessions.open("a", { start: true });
    await claim("ticker-1");
    const received = await rig.listen(rig.keys.tickerChannel("ticker-1"));
    const { record } = await rig.sessions.perform("a", seekTo(7));
    await vi.waitUntil(() => received.length === 1, soon);
    const [message = Buffer.alloc(0)] = received;
    expect(decodeState(message.subarray(parseHead(message)?.body).toString())).toEqual(record);
    expect(rig.requested).toEqual(["a-1"]);
    await rig.sessions.remove("a");
    await vi.waitUntil(() => received.length === 2, soon);
    expect(parseHead(received[1] ?? Buffer.alloc(0))).toMatchObject({ kind: "D" });
  });

  test("[L2] another one is requested if none is subscribed, and after a release", async () => {
    await rig.sessions.open("a", { start: true });
    await claim("ticker-1");
    await rig.sessions.perform("a", seekTo(7));
    expect(rig.requested).toEqual(["a-1", "a-3"]);
    const received = await rig.listen(rig.keys.tickerChannel("ticker-2"));
    await claim("ticker-2");
    await rig.sessions.perform("a", { type: "release", node: "ticker-2", epoch: 0, publishedSeq: 7 });
    expect(rig.requested).toEqual(["a-1", "a-3", "a-5"]);
    expect(received).toEqual([]);
  });

  test("[D45] [L1] one is requested when a parked session has viewers again", async () => {
    await rig.sessions.open("a", { start: true });
    await claim("ticker-1");
    await rig.sessions.perform("a", { type: "park", node: "ticker-1" });
    expect(rig.requested).toEqual(["a-1"]);
    await rig.sessions.perform("a", { type: "unpark" });
    expect(rig.requested).toEqual(["a-1", "a-4"]);
  });
});
