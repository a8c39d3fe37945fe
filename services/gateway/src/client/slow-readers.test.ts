import { afterAll, expect, inject, test } from "vitest";
import { type Client, expectNoGap } from "../testing/test-client.js";
import { openGatewayFixture } from "../testing/test-cluster.js";

// Frames of some 20 KB, so that a few hundred fill the operating system's socket buffer.
const fixture = await openGatewayFixture(inject("redisUrl"), {
  frames: 4000,
  tradesPerFrame: (seq) => (seq < 2000 ? 200 : 1),
});
afterAll(() => fixture.stop());

/** Publishes frames until the gateway counts a slow socket, then `more` of them. */
async function publishUntilSlow(record: Awaited<ReturnType<typeof fixture.pausedSession>>, from: number, more: number) {
  let last = from;
  for (let left = more; left > 0; last++) {
    await fixture.cluster.publish(record, last, last + 1);
    if (Number(fixture.gateway.fields().slow_sockets) > 0) left--;
    if (last > 1900) throw new Error("no socket became slow");
  }
  return last;
}

const trades = (client: Client, after: number, to: number) =>
  client.frames.filter(({ seq }) => seq > after && seq <= to).reduce((sum, frame) => sum + frame.trades, 0);

test("[G40] a client that reads again gets the newest frame with all trades, and a lag message", async () => {
  const record = await fixture.pausedSession(0);
  const [slow, quick] = await Promise.all([
    fixture.gateway.client(`/ws/${record.id}`),
    fixture.gateway.client(`/ws/${record.id}`),
  ]);
  await Promise.all([slow.untilType("history"), quick.untilType("history")]);
  slow.pause();
  const last = await publishUntilSlow(record, 0, 30);
  await quick.untilSeq(last);
  slow.resume();
  await slow.untilSeq(last);
  expectNoGap(slow.frames);
  expect(trades(slow, 0, last)).toBe(trades(quick, 0, last));
  expect(quick.frames.every(({ prev, seq }) => prev === seq - 1)).toBe(true);
  expect(quick.of("lag")).toEqual([]);
  const merged = slow.frames.filter(({ prev, seq }) => prev < seq - 1);
  expect(merged.length).toBeGreaterThan(0);
  expect(Math.max(...merged.map((frame) => frame.trades))).toBeLessThanOrEqual(1000);
  const reported = slow.of("lag").reduce((sum, { frames }) => sum + Number(frames), 0);
  expect(reported).toBe(merged.reduce((sum, { prev, seq }) => sum + seq - prev - 1, 0));
  await fixture.cluster.publish(record, last, last + 1);
  await slow.untilSeq(last + 1);
});

test("[G40] the bytes buffered for a slow reader are bounded, however long it does not read", async () => {
  const record = await fixture.pausedSession(0);
  const slow = await fixture.gateway.client(`/ws/${record.id}`, { legacy: true });
  await slow.untilType("history");
  slow.pause();
  const last = await publishUntilSlow(record, 0, 1);
  const before = await fixture.gateway.metric("sent_bytes_total");
  for (let seq = last; seq < last + 100; seq++) await fixture.cluster.publish(record, seq, seq + 1);
  expect((await fixture.gateway.metric("sent_bytes_total")) - before).toBe(0);
  slow.resume();
  await slow.untilSeq(last + 100);
  expect(new Set(slow.types.slice(1))).toEqual(new Set(["snapshot"])); // [G33]
});

test("[G41] of more than 10,000 trades the newest are kept, and lag says how many are left out", async () => {
  const record = await fixture.pausedSession(0);
  const slow = await fixture.gateway.client(`/ws/${record.id}`);
  await slow.untilType("history");
  slow.pause();
  const last = await publishUntilSlow(record, 0, 130); // 130 frames of 200 trades
  slow.resume();
  await slow.untilSeq(last);
  const leftOut = slow.of("lag").reduce((sum, lag) => sum + Number(lag.trades_left_out ?? 0), 0);
  expect(leftOut).toBeGreaterThan(0);
  expect(trades(slow, 0, last) + leftOut).toBe(last * 200);
  expect(slow.last?.seq).toBe(last);
});

test("[G40] a slow reader gets a seek's frame without the rest of the old epoch", async () => {
  const record = await fixture.pausedSession(0);
  const slow = await fixture.gateway.client(`/ws/${record.id}`);
  await slow.untilType("history");
  slow.pause();
  const last = await publishUntilSlow(record, 0, 50);
  const { record: after } = await fixture.cluster.sessions.perform(record.id, { type: "seek", to: { seq: 3000 } });
  slow.resume();
  await slow.untilSeq(3000);
  expect(slow.last).toMatchObject({ epoch: after.epoch, prev: 2999 });
  expect(slow.frames.filter(({ epoch }) => epoch === record.epoch).at(-1)?.seq).toBeLessThan(last);
});

test("[G43] of states that pile up, a slow reader gets only the newest", async () => {
  const record = await fixture.pausedSession(0);
  const slow = await fixture.gateway.client(`/ws/${record.id}`);
  await slow.untilType("history");
  slow.pause();
  await publishUntilSlow(record, 0, 1);
  for (let speed = 1; speed <= 100; speed++) {
    await fixture.cluster.sessions.perform(record.id, { type: "speed", value: 1 + speed / 10 });
  }
  const { record: after } = await fixture.cluster.sessions.perform(record.id, { type: "seek", to: { seq: 3000 } });
  slow.resume();
  await slow.untilSeq(3000);
  expect(slow.last?.epoch).toBe(after.epoch);
  expect(slow.of("state").length).toBeLessThan(70);
  expect(slow.of("state").at(-1)).toMatchObject({ session: { speed: 11, epoch: after.epoch } });
});

test("[G34] a command of a slow reader takes effect at once, and is answered when it reads again", async () => {
  const record = await fixture.pausedSession(0);
  const slow = await fixture.gateway.client(`/ws/${record.id}`);
  await slow.untilType("history");
  slow.pause();
  await publishUntilSlow(record, 0, 1);
  slow.send({ type: "command", id: "done", command: "speed", value: 7 });
  slow.send({ type: "command", id: "refused", command: "speed", value: 5000 });
  await expect.poll(async () => (await fixture.cluster.store.read(record.id))?.record.speed).toBe(7);
  expect(slow.types).not.toContain("ack");
  slow.resume();
  await slow.untilType("error");
  expect(slow.of("ack").map(({ id }) => id)).toEqual(["done"]);
  expect(slow.of("error").map(({ id }) => id)).toEqual(["refused"]);
});

test("[G34] a slow reader gets the refusal of its command and is not closed for it", async () => {
  const record = await fixture.pausedSession(0);
  const slow = await fixture.gateway.client(`/ws/${record.id}`);
  await slow.untilType("history");
  slow.pause();
  await publishUntilSlow(record, 0, 1);
  const refused = Number(await fixture.gateway.metric("refusals_total"));
  slow.send({ type: "command", id: "refused", command: "speed", value: 5000 });
  await expect.poll(() => fixture.gateway.metric("refusals_total")).toBe(refused + 1);
  slow.resume();
  await slow.untilType("error");
  expect(slow.closed).toBeUndefined();
});

test("[G42] a socket that is too slow for too long is closed with 4408", async () => {
  const gateway = await fixture.cluster.gateway({ SLOW_CLOSE_MS: "300" });
  const record = await fixture.pausedSession(0);
  const slow = await gateway.client(`/ws/${record.id}`);
  await slow.untilType("history");
  slow.pause();
  for (let last = 0; Number(gateway.fields().sockets) > 0 && last < 1900; last++) {
    await fixture.cluster.publish(record, last, last + 1);
    if (Number(gateway.fields().slow_sockets) > 0) break;
  }
  await expect.poll(() => gateway.fields().sockets, { timeout: 5000 }).toBe(0);
  slow.resume();
  await slow.untilClosed();
  expect([4408, 1006]).toContain(slow.closed?.code);
  expect(await gateway.metric('sockets_closed_total{code="4408"')).toBe(1);
});

test("[G40] closes a client that floods commands without reading replies", async () => {
  const record = await fixture.pausedSession(0);
  const flood = await fixture.gateway.client(`/ws/${record.id}`);
  await flood.untilType("history");
  flood.pause();
  await publishUntilSlow(record, 0, 1);
  for (let id = 0; id < 200; id++) flood.send({ type: "command", id, command: "pause" });
  await expect.poll(() => fixture.gateway.metric('sockets_closed_total{code="4408"'), { timeout: 5000 }).toBe(1);
});
