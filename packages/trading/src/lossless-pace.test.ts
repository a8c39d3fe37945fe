import { setTimeout as sleep } from "node:timers/promises";
import { planPlayback, reachOf } from "@tapedeck/sessions";
import { afterAll, expect, inject, test } from "vitest";
import { recordedFiles } from "../../../test/support/tapes.js";
import { importedTape, tradingOnRedis } from "./testing.js";

const { store, tape } = await importedTape(recordedFiles("primary"));
const rig = tradingOnRedis(inject("redisUrl"), store);
afterAll(() => rig.close());
if (tape === undefined)
  process.stderr.write("\nSKIPPED: lossless pace on a recording, without the recording of 2023\n\n");

/** A reader that is done with a frame: the playhead goes on to the next one. */
async function acknowledge(id: string, seq: number): Promise<void> {
  const record = await rig.record(id);
  const reach = await reachOf(seq, await planPlayback(record, await rig.tapes.open(record.tape)));
  const readers = [{ name: "bot", epoch: record.epoch, acked: seq, reach }];
  const reply = await rig.store.advance({ record, node: "gateway", readers, bound: reach });
  expect(reply).toMatchObject({ outcome: "moved", place: { seq: seq + 1 } });
}

/** A strategy that trades at some frames, however long it thinks. */
async function run(think: () => Promise<unknown> | undefined): Promise<unknown> {
  const { id } = await rig.open({ tape, seq: 500 });
  await rig.sessions.perform(id, { type: "pace", pace: "lossless" });
  await rig.sessions.perform(id, { type: "start" });
  for (let seq = 500; seq < 540; seq++) {
    await think();
    const side = seq % 4 === 0 ? "buy" : "sell";
    if (seq % 2 === 0) await rig.trading.act(id, { kind: "place", order: { side, type: "MARKET", amount: "0.010" } });
    const { anchorSeq, anchorNs, chain } = await rig.record(id);
    expect(anchorSeq).toBe(seq);
    if (seq % 2 === 0) expect(chain?.ns).toBe(anchorNs); // it is sent with the frame that the strategy works on
    await acknowledge(id, seq);
  }
  const { fills, account } = (await rig.standing(id)) ?? expect.fail();
  expect(fills.length).toBeGreaterThan(10);
  return { fills, account };
}

test.skipIf(tape === undefined)(
  "[LP24] in lossless pace an order is sent with the frame that readers work on, and fills are the same however long they think",
  async () => {
    const quick = await run(() => undefined);
    const slow = await run(() => sleep(Math.random() * 20));
    expect(JSON.stringify(slow)).toBe(JSON.stringify(quick));
  },
);
