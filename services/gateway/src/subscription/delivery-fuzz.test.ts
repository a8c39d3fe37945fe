import { render } from "@tapedeck/tape";
import { afterAll, expect, inject, test } from "vitest";
import { type Client, expectNoGap } from "../testing/test-client.js";
import { openGatewayFixture } from "../testing/test-cluster.js";

const fixture = await openGatewayFixture(inject("redisUrl"), { frames: 3000 });
afterAll(() => fixture.stop());

/** A small generator: its seed reproduces a failing run. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
}

/** The first and last frame that a client got of an epoch; throws if one in between is missing. */
function rangeOf(client: Client, epoch: number): [from: number, to: number] {
  const frames = client.frames.filter((frame) => frame.epoch === epoch);
  expectNoGap(frames);
  return [frames.at(0)?.prev ?? Number.NaN, frames.at(-1)?.seq ?? Number.NaN];
}

const seed = Number(process.env.TEST_SEED ?? Date.now() % 1_000_000);

test(`[G11] [G18] no frame is missing and none comes twice, whatever happens while sockets come and go (TEST_SEED=${seed})`, async () => {
  const chance = random(seed);
  const below = (n: number) => Math.floor(chance() * n);
  const other = await fixture.cluster.gateway();
  let record = await fixture.pausedSession(200);
  let last = 200;
  const clients: Client[] = [];
  const connecting: Promise<unknown>[] = [];
  for (let step = 0; step < 150; step++) {
    const dice = chance();
    if (dice < 0.15) {
      const gateway = chance() < 0.5 ? fixture.gateway : other;
      const legacy = chance() < 0.3;
      connecting.push(gateway.client(`/ws/${record.id}`, { legacy }).then((client) => clients.push(client)));
    } else if (dice < 0.2) {
      // A ticker that has lost its lease, or does not know of a change.
      const stale = { ...record, rev: record.rev - 1 - below(3), epoch: record.epoch - below(2) };
      await fixture.cluster.publish(stale, last + below(5), last + 5 + below(5));
    } else if (dice < 0.27) {
      const frames = 1 + below(10);
      record = (await fixture.cluster.sessions.perform(record.id, { type: "step", by: { frames } })).record;
      last = Math.max(last, record.anchorSeq);
    } else if (dice < 0.3) {
      record = (await fixture.cluster.sessions.perform(record.id, { type: "seek", to: { seq: 100 + below(1000) } }))
        .record;
      last = record.anchorSeq;
    } else {
      // In order, with some frames repeated, and now and then a lost message.
      const prev = chance() < 0.15 ? Math.max(record.epochFromSeq, last - below(4)) : last;
      const seq = last + 1 + below(3);
      if (chance() < 0.9) await fixture.cluster.publish(record, prev, seq);
      last = seq;
    }
  }
  await Promise.all(connecting);
  await fixture.cluster.publish(record, last, last + 1);
  await Promise.all(clients.map((client) => client.until(() => client.last?.seq === last + 1, `frame ${last + 1}`)));
  expect(clients.length).toBeGreaterThan(5);
  const tape = await fixture.cluster.tapes.open(record.tape);
  for (const client of clients) {
    for (const { prev, seq, text } of client.frames) {
      expect(JSON.parse(text)).toEqual(JSON.parse(await render(tape, prev, seq)));
    }
    if (client.of("session").length > 0) {
      expectNoGap(client.frames);
      const [, to] = rangeOf(client, record.epoch);
      expect(to).toBe(last + 1);
    }
    expect(client.closed).toBeUndefined();
  }
});
