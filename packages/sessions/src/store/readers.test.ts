import { afterEach, beforeEach, expect, inject, test } from "vitest";
import type { SessionRecord } from "../rules/record.js";
import { type SessionsOnRedis, sessionsOnRedis } from "../testing/sessions-on-redis.js";
import { parseHead, readPace } from "./channel.js";
import { type AdvanceRequest, holdMs, readerForgottenMs } from "./readers.js";

let rig: SessionsOnRedis;
beforeEach(() => {
  rig = sessionsOnRedis(inject("redisUrl"));
});
afterEach(() => rig.close());

const place = (seq: number, wallMs?: number) => ({ seq, ns: seq * 1e8, ...(wallMs === undefined ? {} : { wallMs }) });
const end = place(1000);

async function opened(): Promise<SessionRecord> {
  const { record } = await rig.sessions.open("a", { start: true, pace: "lossless" });
  return record;
}

function report(record: SessionRecord, acked: Readonly<Record<string, number>>, more: Partial<AdvanceRequest> = {}) {
  const readers = Object.entries(acked).map(([name, seq]) => ({
    name,
    epoch: record.epoch,
    acked: seq,
    reach: place(seq + 1),
  }));
  return rig.store.advance({ record, node: "gateway-1", readers, bound: end, ...more });
}

const hash = () => rig.redis.hgetall(rig.keys.session("a"));

test("[LP7] the playhead moves to the least that all readers allow, never back, and that is published", async () => {
  const record = await opened();
  const subscriber = rig.redis.duplicate();
  const heard: unknown[] = [];
  subscriber.on("messageBuffer", (_: unknown, message: Buffer) => {
    const head = parseHead(message);
    if (head?.kind === "P") heard.push({ ...head, ...readPace(head, message) });
  });
  await subscriber.subscribe(rig.keys.sessionChannel("a"));
  expect(await report(record, { bot: 4 })).toMatchObject({ outcome: "moved", place: place(5), acked: 4 });
  expect(await report(record, { other: 2 }, { node: "gateway-2" })).toMatchObject({ outcome: "same", acked: 2 });
  expect(await report(record, { bot: 9 })).toMatchObject({ outcome: "same", place: place(5), acked: 2 });
  expect(await report(record, { other: 7 }, { node: "gateway-2" })).toMatchObject({
    outcome: "moved",
    place: place(8),
  });
  expect(await report(record, { bot: 9, other: 9 }, { bound: place(9) })).toMatchObject({ place: place(9) });
  const { record: moved } = (await rig.store.read("a")) ?? expect.fail();
  expect(moved).toMatchObject({ rev: record.rev, anchorSeq: 9, anchorNs: 9e8, publishedSeq: 9 });
  await expect.poll(() => heard.length).toBe(3);
  expect(heard[0]).toMatchObject({ rev: record.rev, epoch: record.epoch, prev: 0, seq: 5, ns: 5e8 });
  await subscriber.quit();
});

test("[LP7] a report of another revision records readers and changes nothing else", async () => {
  const record = await opened();
  await rig.sessions.perform("a", { type: "pause" });
  const before = await hash();
  expect(await report(record, { bot: 4 })).toEqual({ outcome: "changed" });
  expect(await hash()).toEqual(before);
  expect(Object.keys(await rig.redis.hgetall(rig.keys.readers("a")))).toContain("reader:bot");
  await rig.store.delete("a");
  expect(await report(record, { bot: 5 })).toEqual({ outcome: "gone" });
  expect(await rig.redis.exists(rig.keys.session("a"))).toBe(0);
});

test("[LP3] the clock of a bound is caught up as far as a second", async () => {
  const record = await opened();
  const due = async (ms: number) => {
    const now = await rig.store.now();
    const seq = (await rig.store.read("a"))?.record.anchorSeq ?? 0;
    const reply = await report(record, { bot: seq + 9 }, { bound: place(seq + 1, now - ms) });
    return "place" in reply ? now - reply.place.wallMs : expect.fail();
  };
  expect(await due(400)).toBeCloseTo(400, 1);
  expect(Math.abs((await due(5000)) - 1000)).toBeLessThan(50);
});

test("[LP8] readers that have left, or that nobody reports, do not count, and one that came back elsewhere stays", async () => {
  const record = await opened();
  await report(record, { stays: 9, leaves: 1 });
  const left = { readers: [{ name: "leaves", left: true }] as const };
  await report(record, { leaves: 3 }, { node: "gateway-2" });
  expect(await report(record, {}, left)).toMatchObject({ outcome: "same", place: place(4), acked: 3 });
  expect(await report(record, {}, { ...left, node: "gateway-2" })).toMatchObject({
    outcome: "moved",
    place: place(10),
  });
  const key = rig.keys.readers("a");
  const now = await rig.store.now();
  const at = (ms: number) => `gateway-3 ${record.epoch} 0 1 100000000 - ${Math.floor(now - ms)}`;
  await rig.redis.hset(key, "reader:forgotten", at(readerForgottenMs + 100));
  expect(await report(record, { stays: 20 })).toMatchObject({ outcome: "moved", acked: 20 });
  expect(await rig.redis.hexists(key, "reader:forgotten")).toBe(0);
  await rig.redis.hset(key, "reader:away", at(readerForgottenMs / 2));
  expect(await report(record, { stays: 30 })).toMatchObject({ outcome: "same", acked: 0 });
});

test("[LP2] a reader of an earlier epoch has acknowledged nothing of this one", async () => {
  const record = await opened();
  await report(record, { bot: 9, other: 9 });
  const { record: later } = await rig.sessions.perform("a", { type: "seek", to: { seq: 3 } });
  expect(await report(later, { bot: 20 })).toMatchObject({ outcome: "same", place: place(3), acked: -1 });
  expect(await report(later, { other: 20 })).toMatchObject({ outcome: "moved", place: place(21) });
});

test("[LP9] a command holds the playhead until it is written, or has changed nothing", async () => {
  const record = await opened();
  const held = (await rig.store.hold("a")) ?? expect.fail();
  expect(held.heldUntil - held.now).toBeCloseTo(holdMs, 0);
  expect(await report(record, { bot: 4 })).toEqual({ outcome: "held", until: held.heldUntil });
  const second = (await rig.store.hold("a")) ?? expect.fail();
  await rig.store.releaseHold(held.record, held.heldUntil); // it is the second one's by now
  expect(await report(record, { bot: 4 })).toMatchObject({ outcome: "held" });
  await rig.store.releaseHold(second.record, second.heldUntil);
  expect(await report(record, { bot: 4 })).toMatchObject({ outcome: "moved" });

  await rig.store.hold("a");
  await rig.sessions.perform("a", { type: "start" }); // changes nothing
  expect(await report(record, { bot: 5 })).toMatchObject({ outcome: "moved" });
  await expect(rig.sessions.perform("a", { type: "seek", to: { event: "next" } })).rejects.toThrow();
  expect(await report(record, { bot: 6 })).toMatchObject({ outcome: "moved" });
  const { record: paused } = await rig.sessions.perform("a", { type: "pause" });
  expect(paused).toMatchObject({ state: "PAUSED", anchorSeq: 7, anchorNs: 7e8 });
  expect(await rig.store.hold("a")).toMatchObject({ heldUntil: 0 });
  expect(await rig.store.hold("b")).toBeUndefined();
});

test("[LP9] what is not written while the playhead is held is not written at all", async () => {
  const record = await opened();
  const { heldUntil } = (await rig.store.hold("a")) ?? expect.fail();
  await expect.poll(() => rig.store.now(), { timeout: 3000 }).toBeGreaterThan(heldUntil);
  const paused: SessionRecord = { ...record, state: "PAUSED", rev: record.rev + 1 };
  expect(await rig.store.replace(record, paused, "command", { by: heldUntil })).toBe("too late");
  expect(await report(record, { bot: 4 })).toMatchObject({ outcome: "moved" });
});
