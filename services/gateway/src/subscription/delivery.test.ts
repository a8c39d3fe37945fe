import { frameHead, stateHead } from "@tapedeck/sessions";
import { testTapeStartMs } from "@tapedeck/tape/testing";
import { afterAll, expect, inject, test, vi } from "vitest";
import { expectNoGap } from "../testing/test-client.js";
import { openGatewayFixture } from "../testing/test-cluster.js";

const fixture = await openGatewayFixture(inject("redisUrl"));
afterAll(() => fixture.stop());

test("[G1] published frames reach all sockets of their session byte for byte, and no other socket", async () => {
  const record = await fixture.pausedSession(10);
  const other = await fixture.pausedSession(10);
  const viewers = await Promise.all([1, 2].map(() => fixture.gateway.client(`/ws/${record.id}`)));
  const stranger = await fixture.gateway.client(`/ws/${other.id}`);
  await Promise.all([...viewers, stranger].map((client) => client.untilType("history")));
  const body = '{"type":"snapshot","seq":11,"these":"are the bytes"}';
  await fixture.cluster.redis.publish(
    fixture.cluster.keys.sessionChannel(record.id),
    `${frameHead(record.rev, record.epoch, 10, 11)}${body}`,
  );
  for (const viewer of viewers) {
    await viewer.untilSeq(11);
    expect(viewer.last?.text).toBe(body);
  }
  await fixture.cluster.publish(other, 10, 11);
  await stranger.untilSeq(11);
  expect(stranger.last?.text).not.toBe(body);
});

test("[G1] frames published together arrive one by one and in order", async () => {
  const record = await fixture.pausedSession(10);
  const viewer = await fixture.gateway.client(`/ws/${record.id}`);
  await viewer.untilType("history");
  await Promise.all(Array.from({ length: 50 }, (_, at) => fixture.cluster.publish(record, 10 + at, 11 + at)));
  await viewer.untilSeq(60);
  expect(viewer.seqs.slice(-50)).toEqual(Array.from({ length: 50 }, (_, at) => 11 + at));
});

test("[G2] frames of an earlier revision or epoch are dropped", async () => {
  const record = await fixture.pausedSession(10);
  const viewer = await fixture.gateway.client(`/ws/${record.id}`);
  await viewer.untilType("history");
  await fixture.cluster.publish({ ...record, rev: record.rev - 1 }, 10, 11);
  await fixture.cluster.publish({ ...record, epoch: record.epoch - 1 }, 10, 12);
  await fixture.cluster.publish(record, 10, 13);
  await viewer.untilSeq(13);
  expect(viewer.last).toMatchObject({ prev: 10, seq: 13 });
});

test("[G3] duplicates are dropped, and of an overlapping message only the new part is delivered", async () => {
  const record = await fixture.pausedSession(10);
  const viewer = await fixture.gateway.client(`/ws/${record.id}`);
  await viewer.untilType("history");
  for (const [prev, seq] of [
    [10, 11],
    [10, 11],
    [11, 14],
    [10, 13],
    [12, 16],
    [16, 17],
  ] as const) {
    await fixture.cluster.publish(record, prev, seq);
  }
  await viewer.untilSeq(17);
  const live = viewer.frames.filter(({ seq }) => seq > 10);
  expectNoGap(live);
  expect(live.at(0)).toMatchObject({ prev: 10, seq: 11 });
});

test("[G4] missing frames come from the tape, cut as a ticker would cut them", async () => {
  // 10 frames a second at 20x with a frame cap of 20: messages of 10 frames, counted from the anchor.
  const record = await fixture.pausedSession(100, { speed: 20, max_fps: 20 });
  const viewer = await fixture.gateway.client(`/ws/${record.id}`);
  await viewer.untilType("history");
  await fixture.cluster.publish(record, 100, 110);
  await viewer.untilSeq(110);
  await fixture.cluster.publish(record, 140, 150);
  await viewer.untilSeq(150);
  const live = viewer.frames.filter(({ seq }) => seq > 100);
  expect(live.map(({ seq }) => seq)).toEqual([110, 120, 130, 140, 150]);
  expectNoGap(live);
  expect(live.reduce((sum, { trades }) => sum + trades, 0)).toBe(17); // one in every third frame of 101..150
});

test("[G5] a frame of an unknown revision makes the gateway read the session", async () => {
  const record = await fixture.pausedSession(10);
  const viewer = await fixture.gateway.client(`/ws/${record.id}`);
  await viewer.untilType("history");
  const { keys, redis } = fixture.cluster;
  // The state message of that revision never reached this gateway.
  await redis.hset(keys.session(record.id), { rev: record.rev + 1, speed: "2" });
  await fixture.cluster.publish({ ...record, rev: record.rev + 1 }, 10, 11);
  await fixture.cluster.publish({ ...record, rev: record.rev + 1 }, 11, 12);
  await viewer.untilSeq(12);
  expect(viewer.seqs.slice(-3)).toEqual([10, 11, 12]);
  await viewer.until(() => viewer.of("state").some(({ session }) => JSON.stringify(session).includes('"speed":2')));
});

test("[G5] a frame of a revision that Redis has lost moves the session to a new epoch", async () => {
  const record = await fixture.pausedSession(10);
  const viewer = await fixture.gateway.client(`/ws/${record.id}`);
  await viewer.untilType("history");
  await fixture.cluster.publish({ ...record, rev: record.rev + 3 }, 10, 11);
  await viewer.untilType("state");
  expect(viewer.of("state")[0]).toMatchObject({ cause: "recover" });
  await viewer.until(() => (viewer.last?.epoch ?? 0) > record.epoch);
});

test("[G6] a seek while paused delivers one frame, in a new epoch whose state precedes it", async () => {
  const record = await fixture.pausedSession(10);
  const [viewer, legacy] = await Promise.all([
    fixture.gateway.client(`/ws/${record.id}`),
    fixture.gateway.client(`/ws/${record.id}`, { legacy: true }),
  ]);
  await Promise.all([viewer.untilType("history"), legacy.untilType("history")]);
  const { record: after } = await fixture.cluster.sessions.perform(record.id, { type: "seek", to: { seq: 500 } });
  await Promise.all([viewer.untilSeq(500), legacy.untilSeq(500)]);
  expect(viewer.types).toEqual(["session", "history", "state", "snapshot"]);
  expect(viewer.last).toMatchObject({ epoch: after.epoch, prev: 499 });
  expect(legacy.types).toEqual(["history", "snapshot"]);
  // A ticker that does not know of the seek yet.
  await fixture.cluster.publish(record, 10, 11);
  await fixture.cluster.publish(after, 500, 501);
  await viewer.untilSeq(501);
  expect(viewer.seqs.slice(-2)).toEqual([500, 501]);
});

test("[G7] the state of a pause follows the frames that lead up to it", async () => {
  const id = fixture.newId();
  await fixture.cluster.sessions.open(id, { start: true, speed: 100 });
  const viewer = await fixture.gateway.client(`/ws/${id}`);
  await viewer.untilType("history");
  // The clock has moved the playhead, but no ticker has published anything.
  const { record } = await fixture.cluster.sessions.perform(id, { type: "pause" });
  await viewer.untilType("state");
  expect(viewer.last?.seq).toBe(record.anchorSeq);
  expect(viewer.types.at(-1)).toBe("state");
  expectNoGap(viewer.frames);
});

test("[G120] [C14] a round of a loop is shown to its end, also if another gateway began the next one sooner", async () => {
  const { sessions } = fixture.cluster;
  const id = fixture.newId();
  const { record } = await sessions.open(id, {
    start: true,
    speed: 10,
    max_fps: 20,
    loop: true,
    to: testTapeStartMs + 3_000,
  });
  const viewer = await fixture.gateway.client(`/ws/${id}`);
  await viewer.untilType("history");
  // No frame was published here when another node finds the playhead at the end.
  const wrap = async () => (await sessions.perform(id, { type: "wrap" })).changed;
  await vi.waitUntil(wrap, { interval: 5 });
  await viewer.until(() => (viewer.last?.epoch ?? 0) > record.epoch);
  const round = viewer.frames.filter(({ epoch }) => epoch === record.epoch);
  expectNoGap(round);
  expect(round.at(-1)?.seq).toBe(30);
  expect(viewer.of("state")[0]).toMatchObject({ cause: "loop" });
  await sessions.remove(id);
});

test("[G7] the rest of an epoch precedes the state of the next one", async () => {
  const record = await fixture.pausedSession(10);
  const viewer = await fixture.gateway.client(`/ws/${record.id}`);
  await viewer.untilType("history");
  const publishing = fixture.cluster.publish(record, 30, 31);
  const seeking = fixture.cluster.sessions.perform(record.id, { type: "seek", to: { seq: 5 } });
  await Promise.all([publishing, seeking]);
  await viewer.untilSeq(5);
  expect(viewer.seqs.slice(-22)).toEqual([...Array.from({ length: 21 }, (_, at) => 11 + at), 5]);
  expect(viewer.types.slice(-2)).toEqual(["state", "snapshot"]);
});

test("[G8] a step forward delivers each frame it passes despite the frame cap; a step back delivers one in a new epoch", async () => {
  const record = await fixture.pausedSession(100, { speed: 50, max_fps: 1 });
  const viewer = await fixture.gateway.client(`/ws/${record.id}`);
  await viewer.untilType("history");
  await fixture.cluster.sessions.perform(record.id, { type: "step", by: { frames: 7 } });
  await viewer.untilSeq(107);
  expect(viewer.seqs.slice(-8)).toEqual([100, 101, 102, 103, 104, 105, 106, 107]);
  expect(viewer.last?.epoch).toBe(record.epoch);
  await fixture.cluster.sessions.perform(record.id, { type: "step", by: { frames: -2 } });
  await viewer.untilSeq(105);
  expect(viewer.seqs.slice(-2)).toEqual([107, 105]);
  expect(viewer.last?.epoch).toBeGreaterThan(record.epoch);
});

test("[G8] a step while playing first delivers the frames up to the playhead, then each frame it passes", async () => {
  const id = fixture.newId();
  await fixture.cluster.sessions.open(id, { start: true, speed: 20, max_fps: 20 });
  const viewer = await fixture.gateway.client(`/ws/${id}`);
  await viewer.untilType("history");
  const { record } = await fixture.cluster.sessions.perform(id, { type: "step", by: { frames: 25 } });
  await viewer.untilSeq(record.anchorSeq);
  expectNoGap(viewer.frames);
  expect(viewer.frames.slice(-25).every(({ prev, seq }) => prev === seq - 1)).toBe(true);
});

test("[G124] a change that did not come here is told with a claim that does", async () => {
  const record = await fixture.pausedSession(10);
  const viewer = await fixture.gateway.client(`/ws/${record.id}`);
  await viewer.untilType("history");
  const { redis, keys, sessions } = fixture.cluster;
  // As a resume whose message is lost.
  const resumed = { rev: `${record.rev + 1}`, state: "PLAYING", anchor_wall_ts: `${Date.now()}` };
  await redis.hset(keys.session(record.id), resumed);
  const { record: claimed } = await sessions.perform(record.id, { type: "claim", node: "ticker-test" });
  await fixture.cluster.publish(claimed, 10, 11);
  await viewer.untilSeq(11);
  expect(viewer.types).toEqual(["session", "history", "state", "snapshot"]);
  expect(viewer.of("state")[0]).toMatchObject({
    cause: "command",
    session: { controller_state: { state: "PLAYING" } },
  });
  // And a claim alone is none of the users' business.
  const { record: taken } = await sessions.perform(record.id, { type: "claim", node: "ticker-other" });
  await fixture.cluster.publish(taken, 11, 12);
  await viewer.untilSeq(12);
  expect(viewer.of("state")).toHaveLength(1);
});

test("[G9] a state that is not newer sends no message", async () => {
  const record = await fixture.pausedSession(10);
  const viewer = await fixture.gateway.client(`/ws/${record.id}`);
  await viewer.untilType("history");
  const { redis, keys } = fixture.cluster;
  const hash = JSON.stringify(await redis.hgetall(keys.session(record.id)));
  for (const rev of [record.rev, record.rev - 1]) {
    await redis.publish(keys.sessionChannel(record.id), `${stateHead("S", rev, record.epoch, 10, "command")}${hash}`);
  }
  await fixture.cluster.publish(record, 10, 11);
  await viewer.untilSeq(11);
  expect(viewer.types).toEqual(["session", "history", "snapshot"]);
});

test("a message that is not of the channel's format is skipped", async () => {
  const record = await fixture.pausedSession(10);
  const viewer = await fixture.gateway.client(`/ws/${record.id}`);
  await viewer.untilType("history");
  const channel = fixture.cluster.keys.sessionChannel(record.id);
  for (const garbage of [
    "",
    "hello",
    "1 F",
    "1 F 1 2\n{}",
    "2 F 1 1 1 1\n{}",
    "1 S 9 9999999999999 1 1 command\n{}",
    "1 S 1",
  ]) {
    await fixture.cluster.redis.publish(channel, garbage);
  }
  await fixture.cluster.publish(record, 10, 11);
  await viewer.untilSeq(11);
  expect(await fixture.gateway.metric("unreadable_messages_total")).toBeGreaterThan(0);
});
