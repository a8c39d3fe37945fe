import { MemoryTapeStore } from "@tapedeck/tape";
import { tradingOnRedis } from "@tapedeck/trading/testing";
import { afterAll, expect, inject, test } from "vitest";
import { segmentOf } from "../subscription/playback-segment.js";
import { OrderMessages } from "./order-messages.js";

const rig = tradingOnRedis(inject("redisUrl"), new MemoryTapeStore());
afterAll(() => rig.close());

test("[TR44] a node that hears of an action late tells what became of it with the next frame, and tells nothing twice", async () => {
  const { record } = await rig.sessions.open(undefined, { mode: "SIMULATION", seed: 42 });
  const { id } = record;
  await rig.sessions.perform(id, { type: "pause" });
  const { chain } = await rig.trading.settings(record);
  const tape = await rig.tapes.open(record.tape);
  await rig.trading.configure(id, { ...(chain?.settings ?? expect.fail()), market_impact: false });
  const sendAt = async (seq: number) => {
    await rig.sessions.perform(id, { type: "seek", to: { seq } });
    await rig.trading.act(id, { kind: "place", order: { side: "buy", type: "MARKET", amount: "0.1" } });
    return segmentOf(await rig.record(id), tape);
  };
  const [first, second, third] = [await sendAt(200), await sendAt(250), await sendAt(290)];
  const messages = new OrderMessages({ legacy: false, trading: rig.trading });
  const after = { epoch: record.epoch, seq: 199 };
  const beginning = { type: "epoch", startAfter: 199, after, segment: first } as const;
  const told = async (segment: typeof first, upTo: number) =>
    (await messages.until(segment, upTo)).flatMap((text) => {
      const { type, data } = JSON.parse(text);
      return type === "trade_event" ? [data.order_id] : [];
    });
  messages.enter({ ...first, record: { ...first.record, epochFromSeq: 200 } }, undefined, 199, beginning);
  expect(await told(first, 300)).toEqual(["2"]);
  messages.enter(second, first, 300, undefined);
  expect(await told(second, 301)).toEqual(["3"]);
  messages.enter(third, second, 301, undefined);
  expect(await told(third, 302)).toEqual(["4"]);
  expect(await told(third, 320)).toEqual([]);
  // After a rewind the same happens again.
  messages.enter({ ...third, record: { ...third.record, epochFromSeq: 200 } }, third, 320, beginning);
  expect(await told(third, 300)).toEqual(["2", "3", "4"]);
});
