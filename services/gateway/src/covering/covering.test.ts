import { setTimeout as sleep } from "node:timers/promises";
import type { SessionRecord } from "@tapedeck/sessions";
import { afterAll, afterEach, expect, inject, test } from "vitest";
import { expectNoGap } from "../testing/test-client.js";
import { openGatewayFixture } from "../testing/test-cluster.js";

const intervalMs = 20;
const fixture = await openGatewayFixture(inject("redisUrl"), { frames: 3000, intervalMs });
const { cluster, gateway } = fixture;
const { redis, keys, sessions, store } = cluster;
const soon = { timeout: 15_000, interval: 20 };

/** Sends a ticker's beats, and nothing else. */
class Beats {
  readonly #timer: NodeJS.Timeout;
  constructor(node: string) {
    const beat = () => void redis.publish(keys.tickerBeats, node);
    beat();
    this.#timer = setInterval(beat, 50);
  }
  stop = (): void => clearInterval(this.#timer);
}

const beating: Beats[] = [];
const opened: string[] = [];
afterEach(async () => {
  for (const beats of beating.splice(0)) beats.stop();
  for (const id of opened.splice(0)) await sessions.remove(id); // which closes its sockets
});
afterAll(() => fixture.stop());

function beats(node: string): Beats {
  const made = new Beats(node);
  beating.push(made);
  return made;
}

/** A playing session that a ticker has claimed, with a viewer. */
async function claimed(node: string, choice: Parameters<typeof sessions.open>[1] = {}) {
  const id = fixture.newId();
  opened.push(id);
  await sessions.open(id, { max_fps: 0, start: true, ...choice });
  const viewer = await gateway.client(`/ws/${id}`);
  await viewer.untilType("history");
  const { record } = await sessions.perform(id, { type: "claim", node });
  return { id, viewer, record };
}

/** When a frame of a playing session is due, on this machine's clock, which is also Redis's. */
function dueMs(record: SessionRecord, seq: number): number {
  return record.anchorWallMs + (seq * intervalMs - record.anchorNs / 1e6) / record.speed;
}

test("[G110] [G111] while a ticker beats, nothing is rendered in its place; when it falls silent, its frames come from here, none before it is due", async () => {
  const ticker = beats("ticker-a");
  const { viewer, record, id } = await claimed("ticker-a");
  const before = viewer.frames.length;
  await sleep(600); // longer than a silence may last
  expect(viewer.frames.length).toBe(before);
  ticker.stop();
  const early: number[] = [];
  const arrived = new Map<number, number>();
  const watch = setInterval(() => {
    for (const { seq } of viewer.frames) if (!arrived.has(seq)) arrived.set(seq, Date.now());
  }, 1);
  await expect.poll(() => viewer.frames.length - before, soon).toBeGreaterThan(100);
  clearInterval(watch);
  for (const [seq, at] of arrived) if (at < dueMs(record, seq) - 10) early.push(seq);
  expect(early).toEqual([]);
  expectNoGap(viewer.frames);
  expect(await gateway.metric("covered_total")).toBeGreaterThan(100);
  expect(await gateway.metric("sessions_covered")).toBeGreaterThan(0);
  await expect.poll(async () => (await store.read(id))?.record.publishedSeq ?? 0, soon).toBeGreaterThan(50);
});

test("[G114] a ticker that is back repeats frames that were shown: none comes twice, and cover ends when it has caught up", async () => {
  const { viewer, record, id } = await claimed("ticker-b");
  beats("ticker-b").stop();
  await expect.poll(() => viewer.frames.length, soon).toBeGreaterThan(50);
  const back = beats("ticker-c");
  const after = (await sessions.perform(id, { type: "claim", node: "ticker-c" })).record;
  expect(after.anchorWallMs).toBe(record.anchorWallMs);
  // As a ticker does: all that is due after the published frame at once, then each frame when it is due.
  let seq = after.publishedSeq;
  const until = Date.now() + 1500;
  while (Date.now() < until) {
    while (dueMs(after, seq + 1) <= Date.now()) await cluster.publish(after, seq, ++seq);
    await sleep(2);
  }
  const covered = await gateway.metric("covered_total");
  for (const end = Date.now() + 500; Date.now() < end; await sleep(2)) {
    while (dueMs(after, seq + 1) <= Date.now()) await cluster.publish(after, seq, ++seq);
  }
  expect(await gateway.metric("covered_total")).toBe(covered);
  expect(await gateway.metric("sessions_covered")).toBe(0);
  expectNoGap(viewer.frames);
  back.stop();
});

test("[G112] no frame comes after a pause that was acknowledged", async () => {
  beats("ticker-d").stop();
  const { viewer, id } = await claimed("ticker-d");
  for (let round = 0; round < 25; round++) {
    const before = viewer.frames.length;
    await expect.poll(() => viewer.frames.length, soon).toBeGreaterThan(before + 3);
    await sleep(Math.random() * intervalMs);
    const { record } = await sessions.perform(id, { type: "pause" });
    await viewer.until(() => viewer.messages.some(({ rev, session }) => (rev ?? revOf(session)) === record.rev));
    await sleep(3 * intervalMs);
    expect(viewer.frames.at(-1)?.seq).toBe(record.anchorSeq);
    await sessions.perform(id, { type: "resume" });
    await sessions.perform(id, { type: "claim", node: "ticker-d" });
  }
  expectNoGap(viewer.frames);
});

function revOf(session: unknown): number | undefined {
  return typeof session === "object" && session !== null && "rev" in session ? Number(session.rev) : undefined;
}

test("[G112] while Redis does not answer, nothing is shown; afterwards everything that is due", async () => {
  beats("ticker-e").stop();
  const { viewer } = await claimed("ticker-e");
  await expect.poll(() => viewer.frames.length, soon).toBeGreaterThan(20);
  await redis.call("CLIENT", "PAUSE", "1500", "ALL");
  await sleep(300);
  const during = viewer.frames.length;
  await sleep(900);
  expect(viewer.frames.length).toBe(during);
  await expect.poll(() => viewer.frames.length, soon).toBeGreaterThan(during + 50);
  expectNoGap(viewer.frames);
});

test("[G113] the end of a tape and the rounds of a loop are written by a gateway, once, if no ticker is there to do it", async () => {
  beats("ticker-f").stop();
  const other = await cluster.gateway();
  const ending = await claimed("ticker-f", { to: "2024-08-08T12:00:01.200Z" });
  const second = await other.client(`/ws/${ending.id}`);
  await expect.poll(async () => (await store.read(ending.id))?.record.reason, soon).toBe("ended");
  const { record } = (await store.read(ending.id)) ?? expect.fail();
  expect(record.rev).toBe(ending.record.rev + 1);
  await second.untilSeq(record.anchorSeq);
  await ending.viewer.untilSeq(record.anchorSeq);
  expectNoGap(ending.viewer.frames);
  for (const each of [ending.viewer, second]) await each.until(() => each.of("state").at(-1)?.cause === "ended");

  const looping = await claimed("ticker-f", { to: "2024-08-08T12:00:00.400Z", loop: true });
  const epochs = () => new Set(looping.viewer.frames.map(({ epoch }) => epoch)).size;
  await expect.poll(epochs, soon).toBeGreaterThan(3);
  expectNoGap(looping.viewer.frames);
  expect(looping.viewer.of("state").at(-1)).toMatchObject({ cause: "loop" });
});

test("[G122] after Redis was away, frames come from here even if the ticker beats and has published again", async () => {
  const { viewer, id } = await claimed("ticker-g");
  beats("ticker-g");
  const before = viewer.frames.length;
  await redis.call("CLIENT", "PAUSE", "1500", "ALL");
  await expect.poll(() => viewer.frames.length, soon).toBeGreaterThan(before + 120);
  // The ticker goes on, and then finds that it has lost its lease.
  const reached = (seq: number) => expect.poll(() => viewer.frames.at(-1)?.seq ?? 0, soon).toBeGreaterThanOrEqual(seq);
  const { record } = (await store.read(id)) ?? expect.fail();
  const last = viewer.frames.at(-1)?.seq ?? 0;
  await cluster.publish(record, last, last + 25);
  await reached(last + 25);
  await reached(last + 100);
  expectNoGap(viewer.frames);
});

test("[G123] no frame comes after a pause that was missed because the subscriber was reconnecting", async () => {
  // Sessions are read in the order in which they were subscribed to, so that this one waits.
  for (let n = 0; n < 64; n++) await gateway.client(`/ws/${(await fixture.pausedSession()).id}`);
  beats("ticker-h").stop();
  const { viewer, id } = await claimed("ticker-h");
  for (let round = 0; round < 15; round++) {
    const before = viewer.frames.length;
    await expect.poll(() => viewer.frames.length, soon).toBeGreaterThan(before + 3);
    await redis.client("KILL", "TYPE", "PUBSUB");
    await sleep(Math.random() * 30);
    const { record } = await sessions.perform(id, { type: "pause" });
    await viewer.until(() => viewer.messages.some(({ rev, session }) => (rev ?? revOf(session)) === record.rev));
    await sleep(3 * intervalMs);
    expect(viewer.frames.at(-1)?.seq).toBe(record.anchorSeq);
    await sessions.perform(id, { type: "resume" });
    await sessions.perform(id, { type: "claim", node: "ticker-h" });
  }
  expectNoGap(viewer.frames);
}, 60_000);

test.each([0, 10])(
  "[G125] with max_fps %d, a gateway that begins to listen shows at once what was published before, no frame before it is due",
  async (maxFps) => {
    beats("ticker-i"); // which publishes nothing more
    const id = fixture.newId();
    opened.push(id);
    await sessions.open(id, { max_fps: maxFps, start: true });
    const { record } = await sessions.perform(id, { type: "claim", node: "ticker-i" });
    await sleep(dueMs(record, 40) - Date.now()); // frames that nobody publishes here
    const connectedAt = Date.now();
    const viewers = [
      await gateway.client(`/ws/${id}`),
      await gateway.client(`/ws/${id}?epoch=${record.epoch}&after=5`),
    ];
    const messageMs = maxFps === 0 ? intervalMs : 1000 / maxFps;
    for (const viewer of viewers) {
      await expect
        .poll(() => dueMs(record, viewer.frames.at(-1)?.seq ?? 0), soon)
        .toBeGreaterThan(connectedAt - messageMs);
      expect(dueMs(record, viewer.frames.at(-1)?.seq ?? 0)).toBeLessThanOrEqual(Date.now());
      expectNoGap(viewer.frames);
    }
    const last = viewers[0]?.frames.at(-1)?.seq ?? 0;
    expect((last * intervalMs) % messageMs).toBe(0); // so that the ticker's next message continues there
    await sleep(2 * messageMs);
    for (const viewer of viewers) expect(viewer.frames.at(-1)?.seq).toBe(last);
  },
);
