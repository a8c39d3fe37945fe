import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, expect, inject, test } from "vitest";
import { type Client, expectNoGap } from "../testing/test-client.js";
import { openGatewayFixture, type TestGateway } from "../testing/test-cluster.js";

const frames = 3000;
const intervalMs = 100;
const fixture = await openGatewayFixture(inject("redisUrl"), { frames, intervalMs });
const { cluster, gateway } = fixture;
const { sessions, store } = cluster;
afterAll(() => fixture.stop());

async function losslessSession(choice: Parameters<typeof sessions.open>[1] = {}): Promise<string> {
  const id = fixture.newId();
  await sessions.open(id, { start: true, pace: "lossless", ...choice });
  return id;
}

/** A client that acknowledges each frame as soon as it has it, or when `gate` lets it. */
async function reader(at: TestGateway, id: string, name: string, query = ""): Promise<Client> {
  const client = await at.client(`/ws/${id}?reader=${name}${query}`);
  client.onFrame = ({ epoch, seq }) => client.send({ type: "ack_frame", epoch, seq });
  for (const { epoch, seq } of client.frames) client.send({ type: "ack_frame", epoch, seq });
  return client;
}

const playhead = async (id: string) => (await store.read(id))?.record.anchorSeq;
const eachOnce = (client: Client) => {
  expectNoGap(client.frames);
  expect(client.frames.every(({ prev, seq }) => prev === seq - 1)).toBe(true);
  expect(client.of("lag")).toEqual([]);
};

test("[LP10] a reader gets each frame up to the end of the tape, as fast as it acknowledges, and none merged", async () => {
  const id = await losslessSession({ window: 64, max_fps: 10 });
  const client = await reader(gateway, id, "bot");
  await client.until(() => client.of("state").at(-1)?.cause === "ended", "the end", 30_000);
  expect(client.seqs).toEqual(Array.from({ length: frames }, (_, seq) => seq));
  eachOnce(client);
});

test("[LP10] with a window of 1 a frame follows when the one before it has been acknowledged, and not before", async () => {
  const id = await losslessSession();
  const client = await gateway.client(`/ws/${id}?reader=bot`);
  await client.untilSeq(0);
  for (let seq = 0; seq < 20; seq++) {
    expect(await playhead(id)).toBe(seq);
    expect(client.last?.seq).toBe(seq);
    client.send({ type: "ack_frame", epoch: client.last?.epoch, seq });
    await client.untilSeq(seq + 1);
  }
  await sleep(100); // nothing comes unasked
  expect(client.last?.seq).toBe(20);
  eachOnce(client);
});

test("[LP11] the playhead waits for the slowest of several readers on several nodes", async () => {
  const other = await cluster.gateway();
  const id = await losslessSession({ window: 5 });
  const slow = await other.client(`/ws/${id}?reader=slow`);
  await slow.untilSeq(4);
  const quick = await reader(gateway, id, "quick");
  await quick.untilSeq(4);
  slow.send({ type: "ack_frame", epoch: slow.last?.epoch, seq: 2 });
  await quick.untilSeq(7);
  await slow.untilSeq(7);
  await sleep(100); // neither gets more
  expect([quick.last?.seq, slow.last?.seq, await playhead(id)]).toEqual([7, 7, 7]);
  await slow.close(); // it does not come back: the other one goes on
  await quick.untilSeq(500);
  eachOnce(quick);
});

test("[LP12] sockets that do not acknowledge get merged frames at the frame cap, and hold nothing back", async () => {
  const id = await losslessSession({ window: 64, max_fps: 20 });
  const [watcher, legacy] = [await gateway.client(`/ws/${id}`), await gateway.client(`/ws/${id}`, { legacy: true })];
  await watcher.untilType("history");
  await sleep(100);
  expect(await playhead(id)).toBe(0); // without a reader the session stands
  const began = Date.now();
  const client = await reader(gateway, id, "bot");
  await client.untilSeq(frames - 1);
  for (const viewer of [watcher, legacy]) {
    await viewer.untilSeq(frames - 1);
    expectNoGap(viewer.frames);
    expect(viewer.of("snapshot").length).toBeLessThan(20 * ((Date.now() - began) / 1000) + 3);
    expect(viewer.of("lag")).toEqual([]);
  }
  eachOnce(client);
});

test("[LP13] a reader that comes back by its name, through another node, gets what it missed; the playhead waits for it", async () => {
  const id = await losslessSession({ window: 50 });
  const stays = await reader(gateway, id, "stays");
  const other = await cluster.gateway();
  const leaves = await reader(other, id, "leaves");
  await leaves.until(() => leaves.of("snapshot").length > 200);
  leaves.terminate();
  await leaves.untilClosed();
  const { epoch, seq } = leaves.last ?? expect.fail();
  await sleep(300);
  expect(await playhead(id)).toBeLessThanOrEqual(seq + 50);
  const back = await reader(gateway, id, "leaves", `&epoch=${epoch}&after=${seq}`);
  await back.untilSeq(frames - 1);
  expect(back.frames[0]?.seq).toBe(seq + 1);
  eachOnce(back);
  expect(back.of("history").every(({ complete }) => complete)).toBe(true);
  await stays.untilSeq(frames - 1);
  eachOnce(stays);
});

test("[LP14] a reader that stalls is closed with 4408, and the others go on", async () => {
  const strict = await cluster.gateway({ READER_STALL_MS: "600" });
  const id = await losslessSession({ window: 10 });
  const stalled = await strict.client(`/ws/${id}?reader=stalled`);
  const idle = await strict.client(`/ws/${id}?reader=idle`);
  idle.onFrame = ({ epoch, seq }) => idle.send({ type: "ack_frame", epoch, seq });
  for (const { epoch, seq } of idle.frames) idle.send({ type: "ack_frame", epoch, seq });
  await stalled.untilClosed();
  expect(stalled.closed).toEqual({ code: 4408, reason: "no frame acknowledged for 0.6 s" });
  await idle.untilSeq(200);
  await sessions.perform(id, { type: "pause" });
  await sleep(1500); // having nothing to acknowledge is not stalling
  expect(idle.closed).toBeUndefined();
  eachOnce(idle);
});

test("[LP15] commands hold the playhead: pauses and seeks in between lose and repeat nothing, and each state is at the last frame", async () => {
  const id = await losslessSession({ window: 3 });
  const client = await reader(gateway, id, "bot");
  const elsewhere = await cluster.gateway();
  const second = await reader(elsewhere, id, "second");
  for (let round = 0; round < 30; round++) {
    const before = client.frames.length;
    await client.until(() => client.frames.length > before + 5);
    const { record } = await sessions.perform(id, { type: "pause" });
    await client.until(() => client.of("state").some(({ session }) => revOf(session) === record.rev));
    expect(client.last?.seq).toBe(record.anchorSeq);
    expect(await playhead(id)).toBe(record.anchorSeq);
    expect((await sessions.perform(id, { type: "step", by: { frames: 1 } })).record.anchorSeq).toBe(
      record.anchorSeq + 1,
    );
    await sessions.perform(id, { type: "start" });
    if (round % 10 === 9) await sessions.perform(id, { type: "goback", seconds: 5 });
    // A command that changes nothing lets go at once.
    const began = performance.now();
    await sessions.perform(id, { type: "start" });
    const at = client.frames.length;
    await client.until(() => client.frames.length > at);
    expect(performance.now() - began).toBeLessThan(700);
  }
  expect(new Set(client.frames.map(({ epoch }) => epoch)).size).toBe(4);
  for (const each of [client, second]) eachOnce(each);
});

test("[LP16] with a speed as bound frames come at their times, the same as by the clock, and no burst follows a long wait for a reader", async () => {
  const id = await losslessSession({ speed: 10 }); // a frame each 10 ms
  const client = await gateway.client(`/ws/${id}?reader=bot`);
  const arrived: number[] = [];
  let waits = false;
  client.onFrame = ({ epoch, seq }) => {
    arrived[seq] = performance.now();
    if (!waits) client.send({ type: "ack_frame", epoch, seq });
  };
  client.send({ type: "ack_frame", epoch: client.last?.epoch ?? 0, seq: 0 });
  if (client.last !== undefined) client.onFrame(client.last);
  await client.untilSeq(100);
  const took = (arrived[100] ?? 0) - (arrived[1] ?? 0);
  expect(took).toBeGreaterThan(900);
  expect(took).toBeLessThan(1400);
  waits = true;
  await client.untilSeq(101);
  await sleep(1700); // of which a second is caught up
  waits = false;
  const resumed = performance.now();
  client.send({ type: "ack_frame", epoch: client.last?.epoch, seq: client.last?.seq });
  await client.untilSeq(250);
  expect(performance.now() - resumed).toBeGreaterThan(450);
  eachOnce(client);
});

test("[LP17] a loop goes on when all have acknowledged its last frame; each round has the same frames", async () => {
  const id = await losslessSession({ to: "2024-08-08T12:00:05.000Z", loop: true, window: 7 });
  const client = await reader(gateway, id, "bot");
  const epochs = () => [...new Set(client.frames.map(({ epoch }) => epoch))];
  await client.until(() => epochs().length > 5);
  await sessions.perform(id, { type: "pause" });
  eachOnce(client);
  const hashes = epochs()
    .slice(0, 5)
    .map((epoch) => hashOf(client, epoch));
  expect(new Set(hashes).size).toBe(1);
});

test("[LP18] ack_frame of a frame that was not sent is refused; of an earlier one it does nothing", async () => {
  const id = await losslessSession();
  const client = await gateway.client(`/ws/${id}`);
  await client.untilSeq(0);
  const { epoch } = client.last ?? expect.fail();
  client.send({ type: "ack_frame", epoch, seq: 5 });
  await client.untilType("error");
  expect(client.of("error")[0]).toMatchObject({
    code: "INVALID_VALUE",
    message: `ack_frame: frame 5 of epoch ${epoch} has not been sent; nothing was changed.`,
  });
  client.send({ type: "ack_frame", epoch: epoch - 1, seq: 0 });
  client.send({ type: "ack_frame", epoch, seq: 0 }); // a reader from now on
  await client.untilSeq(1);
  const unnamed = await gateway.client(`/ws/${id}?reader=a%20b`);
  await unnamed.untilClosed();
  expect(unnamed.closed).toEqual({ code: 4400, reason: "reader: must be 1 to 64 letters, digits, - or _" });
});

function revOf(session: unknown): number | undefined {
  return typeof session === "object" && session !== null && "rev" in session ? Number(session.rev) : undefined;
}

function hashOf(client: Client, epoch: number): string {
  const hash = createHash("sha256");
  for (const frame of client.frames) if (frame.epoch === epoch) hash.update(frame.text);
  return hash.digest("hex");
}
