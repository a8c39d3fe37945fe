import { afterEach, beforeEach, describe, expect, inject, test, vi } from "vitest";
import { soon } from "../../../test/support/soon.js";
import { Rig } from "./testing/rig.js";

let rig: Rig;
beforeEach(() => {
  rig = new Rig(inject("redisUrl"));
});
afterEach(() => rig.close());

/** Takes all locks of ticker jobs away, as others do with those of a worker that seems dead; it notices when it renews its key. */
async function takeLocks(): Promise<number> {
  const workers = await rig.redis.keys(`${rig.keys.bullPrefix}:{ticker-*}:worker:*`);
  const locks = await rig.redis.keys(`${rig.keys.bullPrefix}:{ticker-*}:*:lock`);
  await rig.redis.del(...workers, ...locks);
  return locks.length;
}

/** Gives all locks to a worker that is dead: the next check hands its jobs on, while the ticker that runs them notices nothing. */
async function giveLocksToADeadWorker(): Promise<number> {
  const locks = await rig.redis.keys(`${rig.keys.bullPrefix}:{ticker-*}:*:lock`);
  for (const lock of locks) {
    await rig.redis.set(lock, "dead:0");
    await rig.redis.sadd(`${lock.slice(0, lock.indexOf("}") + 1)}:workers`, "dead");
  }
  return locks.length;
}

describe("a lock", () => {
  test("[TK12] that is lost ends the lease at once; the session goes on when its job is taken again", async () => {
    const tape = await rig.tape({ frames: 600, intervalMs: 10 });
    const { ticker } = await rig.ticker();
    const ended = vi.spyOn(ticker.metrics, "leaseEnded");
    const { viewer } = await rig.playWatched(tape);
    await viewer.frames(10);
    expect(await takeLocks()).toBe(1);
    // The next run may begin milliseconds after the first has ended, so the claims tell, not the number of leases.
    const claims = () => viewer.states.filter(({ ticker }) => ticker !== "").length;
    await vi.waitFor(() => expect(claims()).toBe(2), soon);
    expect(ticker.leases).toBe(1);
    expect(ended.mock.calls).toEqual([["lost"]]);
    await viewer.until(({ last }) => last === 599);
    expect(viewer.holes).toEqual([]);
    expect(viewer.seqs).toEqual([...viewer.seqs].sort((a, b) => a - b));
    // Taken again by the same worker, whose first run must not have taken the second one's lock out of the renewals.
    expect(new Set(viewer.states.map(({ rev }) => rev)).size).toBe(viewer.states.length);
    expect(claims()).toBe(2);
  });

  test.each([
    { who: "it notices itself", lose: takeLocks },
    { who: "others notice first", lose: giveLocksToADeadWorker },
  ])(
    "[LS10] [LS12] that is lost six times in a row by a ticker that lives is no reason to pause the session: $who",
    {
      timeout: 60_000,
    },
    async ({ lose }) => {
      const tape = await rig.tape({ frames: 6000, intervalMs: 10 });
      await rig.ticker();
      const { viewer, id } = await rig.playWatched(tape);
      const claims = () => viewer.states.filter(({ ticker }) => ticker !== "").length;
      for (let times = 1; times <= 6; times++) {
        await vi.waitFor(() => expect(claims()).toBe(times), soon);
        await viewer.frames(5);
        expect(await lose()).toBe(1);
      }
      await vi.waitFor(() => expect(claims()).toBe(7), soon);
      await viewer.frames(5);
      expect(await rig.record(id)).toMatchObject({ state: "PLAYING" });
      expect(viewer.holes).toEqual([]);
    },
  );

  test("[LS12] is kept by a ticker whose key is gone though it lives", async () => {
    const tape = await rig.tape({ frames: 3000, intervalMs: 10 });
    const { ticker } = await rig.ticker();
    const { viewer } = await rig.playWatched(tape);
    await viewer.frames(10);
    const registered = () => rig.redis.keys(`${rig.keys.bullPrefix}:{ticker-*}:worker:*`);
    const before = await registered();
    expect(before.length).toBeGreaterThan(0);
    await rig.redis.del(...before);
    await vi.waitFor(async () => expect((await registered()).sort()).toEqual(before.sort()), soon);
    await viewer.frames(50);
    expect(viewer.states.filter(({ ticker: claimed }) => claimed !== "")).toHaveLength(1);
    expect(ticker.leases).toBe(1);
    expect(viewer.holes).toEqual([]);
  });

  test("[LS13] of a job that its worker does not know of expires, and another takes the job", async () => {
    const tape = await rig.tape({ frames: 3000, intervalMs: 10 });
    const { viewer } = await rig.playWatched(tape);
    // As a worker does that lives, and whose connection breaks before the reply.
    const [waiting = ""] = await rig.redis.keys(`${rig.keys.bullPrefix}:{ticker-*}:wait`);
    const queue = waiting.slice(0, -":wait".length);
    const job = await rig.redis.rpoplpush(waiting, `${queue}:active`);
    await rig.redis.sadd(`${queue}:workers`, "unaware");
    await rig.redis.set(`${queue}:worker:unaware`, "", "PX", 60_000);
    await rig.redis.set(`${queue}:${job}:lock`, "unaware:0", "PX", 1500);
    const { ticker } = await rig.ticker();
    await viewer.frames(10);
    expect(ticker.leases).toBe(1);
    expect(viewer.holes).toEqual([]);
  });

  test("[TK12] that cannot be renewed stops publishing before it expires", async () => {
    const tape = await rig.tape({ frames: 3000, intervalMs: 10 });
    const { connections } = await rig.ticker();
    const { viewer } = await rig.playWatched(tape);
    await viewer.frames(10);
    const cutAt = performance.now();
    connections.bullmq.disconnect();
    await vi.waitFor(() => expect(performance.now() - (viewer.shown.at(-1)?.at ?? 0)).toBeGreaterThan(500), soon);
    const lastAt = viewer.shown.at(-1)?.at ?? 0;
    expect(lastAt - cutAt).toBeLessThan(3000);
    await connections.bullmq.connect();
    await viewer.frames(50);
    expect(viewer.holes).toEqual([]);
  });
});

describe("connections", () => {
  test("[TK13] a publisher that was disconnected goes on after the last confirmed frame", async () => {
    const tape = await rig.tape({ frames: 500, intervalMs: 10 });
    const { connections } = await rig.ticker();
    const { viewer } = await rig.playWatched(tape);
    for (let cut = 0; cut < 3; cut++) {
      await viewer.frames(20);
      connections.publisher.disconnect(true);
    }
    await viewer.until(({ last }) => last === 499);
    expect(viewer.holes).toEqual([]);
    expect(viewer.seqs).toEqual([...new Set(viewer.seqs)]);
  });

  test("[TK14] a session that Redis has lost ends; one that Redis has set back goes on in a new epoch", async () => {
    const tape = await rig.tape({ frames: 3000, intervalMs: 10 });
    const { ticker } = await rig.ticker();
    const lost = await rig.playWatched(tape);
    const fallen = await rig.playWatched(tape);
    await Promise.all([lost.viewer.frames(10), fallen.viewer.frames(10)]);
    const before = await rig.record(fallen.id);
    await rig.redis.del(rig.keys.session(lost.id));
    await rig.redis.hset(rig.keys.session(fallen.id), { rev: `${before.rev - 1}` });
    await vi.waitFor(() => expect(ticker.leases).toBe(1), soon);
    await fallen.viewer.until(({ shown }) => (shown.at(-1)?.epoch ?? 0) > before.epoch);
    const after = await rig.record(fallen.id);
    expect(after.epoch).toBeGreaterThan(before.epoch);
    expect(after.rev).toBeGreaterThan(0);
  });
});

describe("leases", () => {
  test("[LS8] of many waiting jobs, the first start while the last are not fetched yet", async () => {
    const tape = await rig.tape({ frames: 3000, intervalMs: 20 });
    const sessions = await Promise.all(Array.from({ length: 90 }, () => rig.play(tape)));
    const waiting = async () => {
      const queues = await rig.redis.keys(`${rig.keys.bullPrefix}:{ticker-*}:wait`);
      return (await Promise.all(queues.map((queue) => rig.redis.llen(queue)))).reduce((sum, jobs) => sum + jobs, 0);
    };
    expect(await waiting()).toBe(sessions.length);
    const { ticker } = await rig.ticker();
    await vi.waitFor(() => expect(ticker.leases).toBeGreaterThan(0), soon);
    expect(await waiting()).toBeGreaterThan(sessions.length / 2);
    await vi.waitFor(() => expect(ticker.leases).toBe(sessions.length), soon);
  });

  test("[TK15] a ticker far above its share hands sessions back, and another one goes on with them", async () => {
    const tape = await rig.tape({ frames: 3000, intervalMs: 20 });
    const first = await rig.ticker({ balanceEveryMs: 100 });
    const watched = await Promise.all(Array.from({ length: 30 }, () => rig.playWatched(tape)));
    await vi.waitFor(() => expect(first.ticker.leases).toBe(30), soon);
    const second = await rig.ticker({ balanceEveryMs: 100 });
    await vi.waitFor(() => expect(second.ticker.leases).toBeGreaterThanOrEqual(12), soon);
    await Promise.all(watched.map(({ viewer }) => viewer.frames(20)));
    for (const { viewer } of watched) expect(viewer.holes).toEqual([]);
    expect(first.ticker.leases + second.ticker.leases).toBe(30);
    expect(Math.abs(first.ticker.leases - second.ticker.leases)).toBeLessThanOrEqual(6);
  });

  test("[TK16] a ticker takes at most its capacity plus one per queue", async () => {
    const tape = await rig.tape({ frames: 3000, intervalMs: 20 });
    const { ticker } = await rig.ticker({ capacity: 5 });
    const watched = await Promise.all(Array.from({ length: 20 }, () => rig.playWatched(tape)));
    await vi.waitFor(() => expect(ticker.leases).toBeGreaterThanOrEqual(5), soon);
    // For a hundred frames' time nothing more is taken, though fifteen wait.
    const held: number[] = [];
    const [playing] = await vi.waitFor(() => {
      const found = watched.filter(({ viewer }) => viewer.shown.length > 0);
      expect(found).not.toEqual([]);
      return found;
    }, soon);
    for (let frames = 0; frames < 100; frames++) {
      await playing?.viewer.frames(1);
      held.push(ticker.leases);
    }
    expect(Math.max(...held)).toBeLessThanOrEqual(7);
    expect(Math.min(...held)).toBeGreaterThanOrEqual(5);
    await rig.ticker();
    await Promise.all(watched.map(({ viewer }) => viewer.until(({ shown }) => shown.length >= 10)));
  });

  test("[TK16] a full ticker takes the next session as soon as one of its own ends", async () => {
    const tape = await rig.tape({ frames: 3000, intervalMs: 20 });
    const { ticker } = await rig.ticker({ capacity: 4 });
    const watched = await Promise.all(Array.from({ length: 12 }, () => rig.playWatched(tape)));
    const started = () => watched.filter(({ viewer }) => viewer.shown.length > 0);
    await vi.waitFor(() => expect(started().length).toBeGreaterThanOrEqual(4), soon);
    const playing = () => started().filter(({ viewer }) => viewer.states.at(-1)?.state === "PLAYING");
    const held: number[] = [];
    while (started().length < 12) {
      held.push(ticker.leases);
      const [next] = playing();
      if (next !== undefined) {
        await rig.sessions.perform(next.id, { type: "pause" });
        await next.viewer.until(({ states }) => states.at(-1)?.state === "PAUSED");
      }
      // What it holds beyond its capacity, one per queue at most, has to end before it takes more.
      await vi.waitFor(() => expect(playing().length >= 4 || started().length === 12).toBe(true), soon);
    }
    // A lease more per queue at any time, and not only in the end.
    expect(Math.max(...held, ticker.leases)).toBeLessThanOrEqual(6);
  });

  test("[TK7] many sessions are handed over at once, without a missing or repeated frame", async () => {
    const tape = await rig.tape({ frames: 5000, intervalMs: 50 });
    const first = await rig.ticker({ capacity: 500 });
    const watched = await Promise.all(Array.from({ length: 150 }, () => rig.playWatched(tape)));
    await Promise.all(watched.map(({ viewer }) => viewer.until(({ shown }) => shown.length >= 5)));
    await rig.ticker({ capacity: 500 });
    await first.close({ deadlineMs: soon.timeout });
    await Promise.all(watched.map(({ viewer }) => viewer.frames(20)));
    for (const { viewer } of watched) {
      expect(viewer.holes).toEqual([]);
      expect(viewer.dropped).toEqual([]);
    }
  });
});
