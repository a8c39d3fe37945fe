import { setImmediate as turn } from "node:timers/promises";
import { DamagedBlock } from "@tapedeck/tape";
import { afterEach, beforeEach, describe, expect, inject, test } from "vitest";
import { soon } from "../../../../test/support/soon.js";
import { GrowingTape, isGrowingTape } from "../growing-tape/growing-tape.js";
import { appendAll, evict, Rig, someFrames, source, symbol, textsOf } from "../testing/rig.js";

let rig: Rig;
beforeEach(() => {
  rig = new Rig(inject("redisUrl"));
});
afterEach(() => rig.close());

const channel = () => rig.keys.live(source, symbol);

/** A process that reads a feed again sends three commands, one after the other, on the connection that these go through. */
async function readingsEnd(): Promise<void> {
  for (let commands = 0; commands < 6; commands++) await rig.redis.ping();
}

describe("a listener", () => {
  test("[LT20] gets each frame that is appended after its tape was opened: once, in order, as it was recorded", async () => {
    const writer = await rig.claim();
    await appendAll(writer, someFrames(0, 100));
    const reader = rig.process();
    const listener = reader.follow();
    await listener.until(({ states }) => states.length > 0);
    await appendAll(writer, someFrames(100, 300));
    await listener.until(({ seqs }) => seqs.at(-1) === 299);
    expect(listener.seqs).toEqual(Array.from({ length: 200 }, (_, at) => 100 + at));
    expect(listener.bodies).toEqual((await textsOf(await reader.tapes.open(writer.tape))).slice(100));
  });

  test("[LT23] gets the state once as soon as it is known, also without a feed, and then each change", async () => {
    const reader = rig.process();
    const listener = reader.follow();
    await listener.until(({ states }) => states.length === 1);
    expect(listener.states[0]).toMatchObject({ source, symbol, tape: "", status: { status: "connecting" }, node: "" });

    const writer = await rig.claim({ node: "feed-7" });
    await listener.until(({ states }) => states.length === 2);
    expect(listener.states[1]).toMatchObject({ tape: "", status: { status: "connecting" }, node: "feed-7" });
    await writer.publishStatus({ status: "up" });
    await listener.until(({ states }) => states.length === 3);
    expect(listener.states[2]).toMatchObject({ status: { status: "up" } });
    await appendAll(writer, someFrames(0, 3));
    await listener.until(({ states }) => states.length === 4);
    expect(listener.states[3]).toMatchObject({ tape: writer.tape, status: { status: "up" } });
    await writer.publishStatus({ status: "down", reason: "the venue is silent" });
    await listener.until(({ states }) => states.length === 5);
    expect(listener.states[4]).toMatchObject({ status: { status: "down", reason: "the venue is silent" } });
    await writer.finish();
    await listener.until(({ states }) => states.at(-1)?.tape === "");

    const late = reader.follow();
    await late.until(({ states }) => states.length === 1);
    expect(late.states[0]).toMatchObject({ tape: "", node: "" });
  });

  test("[LT26] gets its frames and states although another listener throws at each", async () => {
    const writer = await rig.claim();
    const reader = rig.process();
    const throws = (): never => {
      throw new Error("on purpose");
    };
    reader.live.follow(source, symbol, { frame: throws, state: throws });
    const listener = reader.follow();
    await listener.until(({ states }) => states.length > 0);
    await appendAll(writer, someFrames(0, 1));
    await listener.until(({ states }) => states.at(-1)?.tape === writer.tape);
    const tape = await reader.live.open(writer.tape);
    tape?.onGrown(throws);
    const grown = new Promise<void>((resolve) => tape?.onGrown(resolve));
    await appendAll(writer, someFrames(1, 10));
    await listener.until(({ seqs }) => seqs.at(-1) === 9);
    await grown;
  });

  test("[LT23] gets nothing after it has stopped", async () => {
    const reader = rig.process();
    const listener = reader.follow();
    listener.stop();
    const other = reader.follow();
    await other.until(({ states }) => states.length === 1);
    const writer = await rig.claim();
    await appendAll(writer, someFrames(0, 5));
    await other.until(({ seqs }) => seqs.at(-1) === 4);
    expect([listener.states, listener.seqs]).toEqual([[], []]);
  });
});

test("[LT41] opening a tape costs at most two reads of Redis, however many callers open it at the same time", async () => {
  const writer = await rig.claim();
  await appendAll(writer, someFrames(0, 100));
  const reader = rig.process();
  await reader.follow().until(({ states }) => states.length > 0);
  await turn();
  let opened = false;
  const first = reader.live.open(writer.tape).then(() => {
    opened = true;
  });
  // More callers come faster than Redis answers.
  const others: Promise<unknown>[] = [];
  const until = performance.now() + soon.timeout;
  for (; !opened && performance.now() < until; await turn()) others.push(reader.live.open(writer.tape));
  expect(opened).toBe(true);
  await Promise.all([first, ...others]);
});

describe("a frame that did not arrive on the channel", () => {
  test("[LT21] is read from the stream and delivered before a later frame", async () => {
    const writer = await rig.claim();
    await appendAll(writer, someFrames(0, 10));
    const reader = rig.process();
    const listener = reader.follow();
    await listener.until(({ states }) => states.length > 0);
    // These frames do not arrive, as when messages are lost.
    await reader.subscriber.unsubscribe(channel());
    await appendAll(writer, someFrames(10, 200));
    await reader.subscriber.subscribe(channel());
    await appendAll(writer, someFrames(200, 202));
    await listener.until(({ seqs }) => seqs.at(-1) === 201);
    expect(listener.seqs).toEqual(Array.from({ length: 192 }, (_, at) => 10 + at));
  });

  test("[LT21] is read after a reconnect, although no further message arrives", async () => {
    const writer = await rig.claim();
    await appendAll(writer, someFrames(0, 10));
    const reader = rig.process();
    const listener = reader.follow();
    await listener.until(({ states }) => states.length > 0);
    const away = new Promise((resolve) => reader.subscriber.once("close", resolve));
    reader.subscriber.disconnect(true);
    await away;
    await appendAll(writer, someFrames(10, 150));
    await listener.until(({ seqs }) => seqs.at(-1) === 149);
    expect(listener.seqs).toEqual(Array.from({ length: 140 }, (_, at) => 10 + at));
    await writer.publishStatus({ status: "up" });
    await listener.until(({ states }) => states.at(-1)?.status.status === "up");
  });

  test("[LT22] is read from a segment if it has left Redis, and the listener continues with the newest frames", async () => {
    const writer = await rig.claim({ settings: { segmentSeconds: 6, recentSeconds: 10 } });
    await appendAll(writer, someFrames(0, 10));
    const reader = rig.process();
    const listener = reader.follow();
    await listener.until(({ states }) => states.length > 0);
    const tape = await reader.live.open(writer.tape);
    await reader.subscriber.unsubscribe(channel());
    await appendAll(writer, someFrames(10, 600));
    const [oldest] = await rig.redis.xrange(channel(), "-", "+", "COUNT", 1);
    expect(Number.parseInt(oldest?.[0] ?? "0", 10)).toBeGreaterThan(100);
    await reader.subscriber.subscribe(channel());
    await appendAll(writer, someFrames(600, 601));
    await listener.until(({ seqs }) => seqs.at(-1) === 600);
    expect(listener.seqs.every((seq, at) => at === 0 || seq > (listener.seqs[at - 1] ?? 0))).toBe(true);
    expect((await textsOf(tape ?? expect.fail())).length).toBe(601);
  });
});

describe("a Redis that lost frames which were delivered", () => {
  test("[LT25] makes another tape begin", async () => {
    const writer = await rig.claim();
    await appendAll(writer, someFrames(0, 100));
    const reader = rig.process();
    const listener = reader.follow();
    await listener.until(({ states }) => states.at(-1)?.tape === writer.tape);
    // A replica that lagged by ten frames has taken over, and another writer continues the tape there.
    await rig.redis.xdel(channel(), ...Array.from({ length: 10 }, (_, at) => `${90 + at}-1`));
    await rig.redis.xsetid(channel(), "89-1");
    await rig.redis.hset(rig.keys.liveTape(source, symbol), "last_seq", 89);
    const next = await rig.claim();
    expect(next.continues?.lastSeq).toBe(89);
    await listener.until(({ states }) => states.at(-1)?.tape === "");
    expect(await next.append(someFrames(90, 91)[0] ?? expect.fail(), 0n)).toBe("lost");

    const after = await rig.claim();
    expect(after.continues).toBeUndefined();
    await appendAll(after, someFrames(0, 5));
    await listener.until(({ states }) => states.at(-1)?.tape === after.tape);
    expect(after.tape).not.toBe(writer.tape);
  });

  test("[LT25] is detected although another writer has used the lost seqs since", async () => {
    const writer = await rig.claim();
    await appendAll(writer, someFrames(0, 100));
    const reader = rig.process();
    const listener = reader.follow();
    await listener.until(({ states }) => states.at(-1)?.tape === writer.tape);
    await reader.subscriber.unsubscribe(channel());
    await rig.redis.xdel(channel(), ...Array.from({ length: 10 }, (_, at) => `${90 + at}-1`));
    await rig.redis.xsetid(channel(), "89-1");
    await rig.redis.hset(rig.keys.liveTape(source, symbol), "last_seq", 89);
    const next = await rig.claim();
    await appendAll(next, someFrames(90, 140)); // not the frames that were delivered as 90 to 99
    await reader.subscriber.subscribe(channel());
    await next.publishStatus({ status: "up" });
    await listener.until(({ states }) => states.at(-1)?.tape === "");
    expect(listener.seqs).toEqual([]);
    expect(await next.append(someFrames(140, 141)[0] ?? expect.fail(), 0n)).toBe("lost");
  });

  test("[LT25] is not suspected when a feed has changed hands", async () => {
    const writer = await rig.claim();
    await appendAll(writer, someFrames(0, 100));
    const reader = rig.process();
    const listener = reader.follow();
    await listener.until(({ states }) => states.at(-1)?.tape === writer.tape);
    for (let from = 100; from < 200; from += 20) {
      await reader.subscriber.unsubscribe(channel());
      const next = await rig.claim();
      await appendAll(next, someFrames(from, from + 19));
      await reader.subscriber.subscribe(channel());
      await appendAll(next, someFrames(from + 19, from + 20));
      await listener.until(({ seqs }) => seqs.at(-1) === from + 19);
    }
    expect(listener.seqs).toEqual(Array.from({ length: 100 }, (_, at) => 100 + at));
    expect(new Set(listener.states.map(({ tape }) => tape))).toEqual(new Set([writer.tape]));
  });
});

describe("one process", () => {
  test("[LT24] has one subscription for all listeners of a feed, and none after a time without use", async () => {
    const writer = await rig.claim();
    await appendAll(writer, someFrames(0, 10));
    const reader = rig.process({ idleMs: 100 });
    const [one, two] = [reader.follow(), reader.follow()];
    await reader.tapes.open(writer.tape);
    await two.until(({ states }) => states.length > 0);
    await expect.poll(() => rig.redis.pubsub("NUMSUB", channel())).toEqual([channel(), 1]);
    expect(reader.live.subscriptions).toBe(1);
    one.stop();
    two.stop();
    await expect.poll(() => reader.live.subscriptions).toBe(0);
    await expect.poll(() => rig.redis.pubsub("NUMSUB", channel())).toEqual([channel(), 0]);
  });

  test("[LT24] subscribes again for a listener to the growth of a tape that is still open", async () => {
    const writer = await rig.claim();
    await appendAll(writer, someFrames(0, 10));
    const reader = rig.process({ idleMs: 50 });
    const tape = (await reader.live.open(writer.tape)) ?? expect.fail();
    await expect.poll(() => reader.live.subscriptions).toBe(0);
    await readingsEnd();
    await appendAll(writer, someFrames(10, 20));
    expect(tape.span.lastSeq).toBe(9);
    expect(await tape.grownTo(15)).toBe(true);
    expect(await tape.grownTo(20)).toBe(false);
    const grown = new Promise<void>((resolve) => tape.onGrown(() => tape.span.lastSeq === 29 && resolve()));
    await appendAll(writer, someFrames(20, 30));
    await grown;
    expect(await reader.live.open(writer.tape)).toBe(tape);
    expect((await textsOf(tape)).length).toBe(30);
  });

  test("[LT24] reads nothing for a subscription that Redis confirms only after it was given up", async () => {
    const writer = await rig.claim();
    await appendAll(writer, someFrames(0, 10));
    const subscriber = rig.connect();
    await subscriber.ping();
    const reader = rig.process({ idleMs: 50, subscriber });
    subscriber.stream.pause();
    const tape = (await reader.live.open(writer.tape)) ?? expect.fail();
    await expect.poll(() => reader.live.subscriptions).toBe(0);
    await readingsEnd();
    await appendAll(writer, someFrames(10, 20));
    subscriber.stream.resume();
    await subscriber.ping(); // answered after the subscription
    await readingsEnd();
    expect(tape.span.lastSeq).toBe(9);
  });

  test("[LT41] has one object for a live tape, and each opening brings it up to date", async () => {
    const writer = await rig.claim();
    const reader = rig.process();
    await appendAll(writer, someFrames(0, 50));
    const tape = await reader.tapes.open(writer.tape);
    expect(tape).toBeInstanceOf(GrowingTape);
    expect(isGrowingTape(tape)).toBe(true);
    for (let seq = 50; seq < 60; seq++) {
      await appendAll(writer, someFrames(seq, seq + 1));
      const again = await reader.tapes.open(writer.tape.split("@")[0] ?? "");
      expect(again).toBe(tape);
      expect(again.span).toMatchObject({ firstSeq: 0, lastSeq: seq, growing: true });
    }
  });

  test("[LT42] reads a block of the tail from the stream when it has left the memory", async () => {
    const writer = await rig.claim({ settings: { segmentSeconds: 3_600 } });
    await appendAll(writer, someFrames(0, 400));
    const reader = rig.process();
    const tape = await reader.tapes.open(writer.tape);
    const texts = await textsOf(tape);
    evict(reader.cache);
    expect(tape.block(10)).toBeUndefined();
    expect(tape.block(399)).toBeDefined();
    expect(await textsOf(tape)).toEqual(texts);
    await rig.redis.del(channel());
    evict(reader.cache);
    await expect(tape.load(10)).rejects.toThrow(DamagedBlock);
    await expect(tape.load(10)).rejects.toThrow("is neither in Redis nor in the tape store");
  });

  test("[LT23] has the state of a followed feed in memory, and reads it from Redis on request", async () => {
    const reader = rig.process();
    expect(await reader.live.status(source, symbol)).toBeUndefined();
    expect(await reader.live.tapeOf(source, symbol)).toBe("");
    const writer = await rig.claim();
    expect(await reader.live.tapeOf(source, symbol)).toBe("");
    await appendAll(writer, someFrames(0, 1));
    expect(await reader.live.tapeOf(source, symbol)).toBe(writer.tape);
    const listener = reader.follow();
    await listener.until(({ states }) => states.length > 0);
    await rig.redis.hset(rig.keys.liveTape(source, symbol), "status", "down"); // a change that was not published
    expect((await reader.live.status(source, symbol))?.status.status).toBe("connecting");
    expect((await reader.live.status(source, symbol, { fresh: true }))?.status.status).toBe("down");
  });
});
