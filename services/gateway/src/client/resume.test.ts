import { playheadAt, SessionStore } from "@tapedeck/sessions";
import { TapeCatalog } from "@tapedeck/tape";
import { afterAll, expect, inject, test, vi } from "vitest";
import { soon } from "../../../../test/support/soon.js";
import { expectNoGap } from "../testing/test-client.js";
import { openGatewayFixture } from "../testing/test-cluster.js";

const fixture = await openGatewayFixture(inject("redisUrl"), { frames: 6000 });
afterAll(() => fixture.stop());

const range = (after: number, to: number) => Array.from({ length: to - after }, (_, at) => after + 1 + at);

test("[G20] a client with a token gets exactly the frames it missed, a hundred a message, then frames as usual", async () => {
  const record = await fixture.pausedSession(100);
  const first = await fixture.gateway.client(`/ws/${record.id}`);
  await first.untilType("history");
  await fixture.cluster.publish(record, 100, 120);
  await first.untilSeq(120);
  await first.close();
  // The session moves on without clients.
  const { record: moved } = await fixture.cluster.sessions.perform(record.id, { type: "step", by: { frames: 450 } });
  const second = await fixture.gateway.client(`/ws?session_id=${record.id}&epoch=${record.epoch}&after=120`);
  await second.untilSeq(550);
  expect(second.seqs).toEqual(range(120, 550));
  expect(second.types).toEqual(["session", ...Array.from({ length: 5 }, () => "history")]);
  expect(second.of("history").every(({ complete, epoch }) => complete === true && epoch === record.epoch)).toBe(true);
  await fixture.cluster.publish(moved, 550, 551);
  await second.untilSeq(551);
});

test("[G20] a client that missed nothing gets an empty, complete history", async () => {
  const record = await fixture.pausedSession(100);
  for (const after of [100, 103]) {
    const client = await fixture.gateway.client(`/ws/${record.id}?epoch=${record.epoch}&after=${after}`);
    await client.untilType("history");
    expect(client.of("history")[0]).toMatchObject({ data: [], complete: true, epoch: record.epoch });
  }
});

test("[G23] a client that has more frames than Redis knows of gets none of them again; others get them when they are published", async () => {
  const record = await fixture.pausedSession(100);
  const client = await fixture.gateway.client(`/ws/${record.id}?epoch=${record.epoch}&after=105`);
  await client.untilType("history");
  const other = await fixture.gateway.client(`/ws/${record.id}`);
  await other.untilSeq(100);
  for (const [prev, seq] of [
    [100, 101],
    [101, 104],
    [104, 107],
    [107, 108],
  ] as const) {
    await fixture.cluster.publish(record, prev, seq);
  }
  await client.untilSeq(108);
  expect(client.seqs).toEqual([106, 107, 108]);
  await other.untilSeq(108);
  expect(other.seqs.slice(-5)).toEqual([100, 101, 104, 107, 108]);
  // A ticker that was starved before it crashed had not written its published seq for ten seconds.
  const starved = await fixture.gateway.client(`/ws/${record.id}?epoch=${record.epoch}&after=205`);
  await starved.untilType("history");
  expect(starved.of("history")[0]).toMatchObject({ complete: true, data: [] });
  const liar = await fixture.gateway.client(`/ws/${record.id}?epoch=${record.epoch}&after=99999`);
  await liar.untilType("history");
  expect(liar.of("history")[0]).toMatchObject({ complete: false });
});

test("[G20] no frame is missing that is published while clients resume", async () => {
  const record = await fixture.pausedSession(100);
  const watching = await fixture.gateway.client(`/ws/${record.id}`);
  await watching.untilType("history");
  let last = 1100;
  await fixture.cluster.publish(record, 100, last);
  const clients = await Promise.all(
    range(0, 5).map(async (nth) => {
      const client = fixture.gateway.client(`/ws/${record.id}?epoch=${record.epoch}&after=${100 + nth}`);
      for (let more = 0; more < 10; more++) await fixture.cluster.publish(record, last, ++last);
      return client;
    }),
  );
  await fixture.cluster.publish(record, last, ++last);
  await Promise.all(clients.map((client) => client.untilSeq(last)));
  for (const client of clients) {
    expectNoGap(client.frames);
    expect(client.of("history").every(({ complete }) => complete)).toBe(true);
  }
});

test("[G21] a token of an earlier epoch gets the rest of it, then each later epoch after its state", async () => {
  const { sessions } = fixture.cluster;
  const first = await fixture.pausedSession(100);
  await sessions.perform(first.id, { type: "step", by: { frames: 5 } });
  const { record: second } = await sessions.perform(first.id, { type: "seek", to: { seq: 2000 } });
  await sessions.perform(first.id, { type: "step", by: { frames: 3 } });
  const { record: third } = await sessions.perform(first.id, { type: "seek", to: { seq: 50 } });
  const client = await fixture.gateway.client(`/ws/${first.id}?epoch=${first.epoch}&after=102`);
  await client.untilSeq(50);
  expect(client.frames.map(({ epoch, seq }) => [epoch, seq])).toEqual([
    [first.epoch, 103],
    [first.epoch, 104],
    [first.epoch, 105],
    [second.epoch, 2000],
    [second.epoch, 2001],
    [second.epoch, 2002],
    [second.epoch, 2003],
    [third.epoch, 50],
  ]);
  expect(client.types).toEqual(["session", "history", "state", "history", "state", "history"]);
  expect(client.of("state").map(({ session }) => session)).toMatchObject([
    { epoch: second.epoch, controller_state: { cursor_seq: 2003 } },
    { epoch: third.epoch, controller_state: { cursor_seq: 50 } },
  ]);
  await sessions.perform(first.id, { type: "step", by: { frames: 1 } });
  await client.untilSeq(51);
});

test("[G21] the same holds if the session changed tapes meanwhile", async () => {
  await fixture.cluster.tape({ id: "other", symbol: "ETHUSDT", frames: 300 });
  const record = await fixture.pausedSession(97);
  await fixture.cluster.sessions.perform(record.id, { type: "step", by: { frames: 3 } });
  const { record: after } = await fixture.cluster.sessions.perform(record.id, {
    type: "mode",
    mode: "REPLAY",
    tape: "other",
  });
  const client = await fixture.gateway.client(`/ws/${record.id}?epoch=${record.epoch}&after=98`);
  await client.until(() => client.last?.epoch === after.epoch);
  expect(client.seqs).toEqual([99, 100, 0]);
  expect(client.frames.map(({ text }) => text.includes('"symbol":"ETHUSDT"'))).toEqual([false, false, true]);
});

test("[G22] an unknown token gets complete:false and the newest hundred frames", async () => {
  const record = await fixture.pausedSession(500);
  for (const token of ["epoch=12345&after=3", `epoch=${record.epoch}&after=3`]) {
    const client = await fixture.gateway.client(`/ws/${record.id}?${token}`);
    await client.untilType("history");
    expect(client.of("history")[0]).toMatchObject({ complete: false, epoch: record.epoch });
    expect(client.seqs).toEqual(range(400, 500));
  }
});

test("[G22] so does a token that is more than 2,000 frames or 10,000 trades behind", async () => {
  const record = await fixture.pausedSession(1);
  await fixture.cluster.sessions.perform(record.id, { type: "step", by: { frames: 1000 } });
  await fixture.cluster.sessions.perform(record.id, { type: "step", by: { frames: 1000 } });
  const within = await fixture.gateway.client(`/ws/${record.id}?epoch=${record.epoch}&after=1`);
  await within.untilSeq(2001);
  expect(within.seqs).toEqual(range(1, 2001));
  await fixture.cluster.sessions.perform(record.id, { type: "step", by: { frames: 1 } });
  const beyond = await fixture.gateway.client(`/ws/${record.id}?epoch=${record.epoch}&after=1`);
  await beyond.untilType("history");
  expect(beyond.of("history")[0]).toMatchObject({ complete: false });
  expect(beyond.seqs).toEqual(range(1902, 2002));

  await fixture.cluster.tape({ id: "busy", symbol: "BUSY", frames: 200, tradesPerFrame: () => 300 });
  const busy = await fixture.pausedSession(50, { tape: "busy" });
  await fixture.cluster.sessions.perform(busy.id, { type: "step", by: { frames: 34 } });
  const many = await fixture.gateway.client(`/ws/${busy.id}?epoch=${busy.epoch}&after=50`);
  await many.untilType("history");
  expect(many.of("history")[0]).toMatchObject({ complete: false });
  const fewer = await fixture.gateway.client(`/ws/${busy.id}?epoch=${busy.epoch}&after=51`);
  await fewer.untilSeq(84);
  expect(fewer.seqs).toEqual(range(51, 84));
});

test("[G20] a legacy socket's token is ignored", async () => {
  const record = await fixture.pausedSession(500);
  const client = await fixture.gateway.client(`/ws/${record.id}?epoch=${record.epoch}&after=499`, { legacy: true });
  await client.untilType("history");
  expect(client.seqs).toEqual(range(400, 500));
});

test("[G21] an epoch that ends while a client resumes is not left out", async () => {
  const record = await fixture.pausedSession(100);
  const seek = async (seq: number) =>
    (await fixture.cluster.sessions.perform(record.id, { type: "seek", to: { seq } })).record;
  const watching = await fixture.gateway.client(`/ws/${record.id}`);
  const { epoch } = await seek(1_000);
  await seek(2_000);
  await watching.untilSeq(2_000);
  // The reply with the ended epochs is on its way while the epoch after them ends.
  const read = SessionStore.prototype.epochs;
  const late = vi.spyOn(SessionStore.prototype, "epochs").mockImplementationOnce(async function (
    this: SessionStore,
    id,
  ) {
    const ended = await read.call(this, id);
    await seek(3_000);
    await watching.untilSeq(3_000);
    return ended;
  });
  const client = await fixture.gateway.client(`/ws?session_id=${record.id}&epoch=${epoch}&after=1000`);
  await client.untilSeq(3_000);
  expect(client.of("history").every(({ complete }) => complete === true)).toBe(true);
  expect(client.seqs).toEqual([2_000, 3_000]);
  expect(late).toHaveBeenCalledTimes(2);
  late.mockRestore();
});

test("[G119] [D76] a client that resumes gets all frames that others saw while the change that ended their epoch was written late", async () => {
  const { sessions, store, tapes } = fixture.cluster;
  const id = fixture.newId();
  const { record } = await sessions.open(id, { start: true, speed: 20 });
  const tape = await tapes.open(record.tape);
  const watching = await fixture.gateway.client(`/ws/${id}`);
  await watching.untilType("history");
  const replace = SessionStore.prototype.replace;
  const late = vi.spyOn(SessionStore.prototype, "replace").mockImplementationOnce(async function (
    this: SessionStore,
    before,
    ...change
  ) {
    // Fifty frames are shown after the command was read.
    const due = async () => tape.seqAt(playheadAt(before, await store.now(), tape));
    const read = await due();
    await vi.waitUntil(async () => (await due()) >= read + 50, soon);
    const shown = await due();
    await fixture.cluster.publish(before, Math.max(before.publishedSeq, watching.last?.seq ?? 0), shown);
    await watching.until(() => (watching.last?.seq ?? 0) >= shown);
    return replace.call(this, before, ...change);
  });
  try {
    const { record: after } = await sessions.perform(id, { type: "seek", to: { seq: 5_000 } });
    await watching.until(() => watching.last?.epoch === after.epoch);
    const shown = Math.max(...watching.frames.flatMap(({ epoch, seq }) => (epoch === record.epoch ? [seq] : [])));
    const [ended] = await store.epochs(id);
    expect(shown).toBeGreaterThanOrEqual((ended?.last ?? shown) + 40);

    const client = await fixture.gateway.client(`/ws?session_id=${id}&epoch=${record.epoch}&after=0`);
    await client.until(() => client.last?.epoch === after.epoch);
    const got = client.frames.filter(({ epoch }) => epoch === record.epoch).map(({ seq }) => seq);
    expect(got).toEqual(range(0, got.length));
    expect(got.at(-1)).toBeGreaterThanOrEqual(shown);
    expect(client.of("history").every(({ complete }) => complete)).toBe(true);
  } finally {
    late.mockRestore();
  }
});

test("[G118] [D14] states do not go back: what changes while a client is brought up to date follows in its order", async () => {
  await fixture.cluster.tape({ id: "next", symbol: "NEXT", frames: 300 });
  const record = await fixture.pausedSession(97);
  const { sessions } = fixture.cluster;
  const watching = await fixture.gateway.client(`/ws/${record.id}`);
  const { record: after } = await sessions.perform(record.id, { type: "mode", mode: "REPLAY", tape: "next" });
  await watching.until(() => watching.last?.epoch === after.epoch);
  const speeds = (client: typeof watching) => client.of("state").map(({ session }) => Object(session).speed);
  // The tape of the ended epoch is read once to see what is missing, and once more to send it: then the session changes.
  const open = TapeCatalog.prototype.open;
  let opened = 0;
  const slow = vi.spyOn(TapeCatalog.prototype, "open").mockImplementation(async function (this: TapeCatalog, name) {
    if (name === record.tape && ++opened === 2) {
      for (const value of [2, 3]) await sessions.perform(record.id, { type: "speed", value });
      await watching.until(() => speeds(watching).includes(3));
    }
    return open.call(this, name);
  });
  try {
    const client = await fixture.gateway.client(`/ws?session_id=${record.id}&epoch=${record.epoch}&after=96`);
    await client.until(() => speeds(client).includes(3));
    const seen = client.messages.flatMap(({ session }) => (session === undefined ? [] : [Object(session)]));
    expect(seen.map(({ rev }) => rev)).toEqual([after.rev, after.rev, after.rev + 1, after.rev + 2]);
    expect(seen.map(({ speed }) => speed)).toEqual([1, 1, 2, 3]);
    expect(client.types).toEqual(["session", "history", "state", "history", "state", "state"]);
    expect(opened).toBe(2);
  } finally {
    slow.mockRestore();
  }
});

test("[G121] [G21] nor is one that ends while the frames of those before are read", async () => {
  await fixture.cluster.tape({ id: "after", symbol: "AFTER", frames: 300 });
  const record = await fixture.pausedSession(97);
  const { sessions } = fixture.cluster;
  const watching = await fixture.gateway.client(`/ws/${record.id}`);
  const { record: second } = await sessions.perform(record.id, { type: "mode", mode: "REPLAY", tape: "after" });
  await watching.until(() => watching.last?.epoch === second.epoch);
  const open = TapeCatalog.prototype.open;
  let opened = 0;
  const slow = vi.spyOn(TapeCatalog.prototype, "open").mockImplementation(async function (this: TapeCatalog, name) {
    if (name === record.tape && ++opened === 1) {
      await sessions.perform(record.id, { type: "seek", to: { seq: 200 } });
      await watching.untilSeq(200);
    }
    return open.call(this, name);
  });
  try {
    const client = await fixture.gateway.client(`/ws?session_id=${record.id}&epoch=${record.epoch}&after=96`);
    await client.untilSeq(200);
    expect(client.seqs).toEqual([97, 0, 200]);
    expect(client.of("history").map(({ complete }) => complete)).toEqual([true, true, true]);
  } finally {
    slow.mockRestore();
  }
});
