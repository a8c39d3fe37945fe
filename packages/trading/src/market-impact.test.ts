import { MemoryTapeStore, type Seq } from "@tapedeck/tape";
import { afterAll, expect, inject, test } from "vitest";
import type { ActionRequest } from "./actions/plan-action.js";
import { tradingOnRedis } from "./testing.js";

const rig = tradingOnRedis(inject("redisUrl"), new MemoryTapeStore());
afterAll(() => rig.close());

/** A paused session in a simulated market, with its playhead on a frame. */
async function simulated(seq: Seq, seed = 42): Promise<string> {
  const { id } = (await rig.sessions.open(undefined)).record;
  await rig.sessions.perform(id, { type: "mode", mode: "SIMULATION", seed });
  await rig.sessions.perform(id, { type: "pause" });
  await seek(id, seq);
  return id;
}

async function seek(id: string, seq: Seq): Promise<void> {
  await rig.sessions.perform(id, { type: "seek", to: { seq } });
}

const market = (side: "buy" | "sell", amount: string): ActionRequest => ({
  kind: "place",
  order: { side, type: "MARKET", amount },
});

interface Frame {
  readonly bids: [number, number][];
  readonly asks: [number, number][];
  readonly trades: { own?: boolean; side: string; size: number }[];
}

async function frame(tape: string, seq: Seq): Promise<{ json: string; parsed: Frame }> {
  const opened = await rig.tapes.open(tape);
  const json = (opened.block(seq) ?? (await opened.load(seq))).json(seq);
  return { json, parsed: JSON.parse(json) };
}

test("[TR60] in SIMULATION the market sees what an order took, from the frame after the one that shows the fill", async () => {
  const id = await simulated(1_234);
  const before = await rig.record(id);
  await rig.trading.act(id, market("buy", "2"));
  const after = await rig.record(id);
  expect(after.epoch).toBe(before.epoch);
  expect(after.tape).not.toBe(before.tape);
  for (const seq of [0, 1_200, 1_234, 1_235]) {
    expect((await frame(after.tape, seq)).json).toBe((await frame(before.tape, seq)).json);
  }
  const seen = (await frame(after.tape, 1_236)).parsed;
  const own = seen.trades.filter((trade) => trade.own);
  expect(own.reduce((sum, { size }) => sum + size, 0)).toBeCloseTo(2, 8);
  await seek(id, 1_300);
  const { fills } = (await rig.standing(id)) ?? expect.fail();
  expect(fills.reduce((sum, { amount }) => sum + Number(amount), 0)).toBeCloseTo(2, 8);
});

test("[TR62] a rewind undoes what the market saw of what it undoes, and another place of the same minute is as it would have been", async () => {
  const id = await simulated(1_234);
  const begin = await rig.record(id);
  await rig.trading.act(id, market("buy", "2"));
  const one = await rig.record(id);
  await seek(id, 1_300);
  await rig.trading.act(id, market("sell", "1"));
  const two = await rig.record(id);
  expect(two.epoch).toBeGreaterThan(one.epoch);
  await seek(id, 1_250);
  expect((await rig.record(id)).tape).toBe(one.tape);
  await seek(id, 1_100);
  expect((await rig.record(id)).tape).toBe(begin.tape);
  expect((await rig.trading.branches(id)).map(({ tape }) => tape)).toEqual([one.tape, two.tape]);
});

test("[TR61] orders of one place are seen together, and those soon after with the next frame that sees orders", async () => {
  const id = await simulated(1_234);
  await rig.trading.act(id, market("buy", "1"));
  await rig.trading.act(id, market("buy", "1"));
  expect((await rig.record(id)).orderSeq).toBe(1_236);
  await seek(id, 1_240);
  await rig.trading.act(id, market("buy", "1"));
  expect(await rig.store.orders(id)).toMatchObject([
    { seq: 1_236, side: "BUY", quantity: 1, settled: true },
    { seq: 1_236, side: "BUY", quantity: 1, settled: true },
    { seq: 1_242, side: "BUY", quantity: 1, settled: true },
  ]);
});

test("[TR2] fills are the same on another process, and while the market reacts to them", async () => {
  const id = await simulated(1_234);
  for (let at = 0; at < 30; at++) {
    await rig.trading.act(id, market(at % 3 === 0 ? "sell" : "buy", "3"));
    await rig.sessions.perform(id, { type: "step", by: { frames: 3 } });
  }
  const one = await rig.standing(id);
  const other = await rig.standing(id, rig.another());
  expect(one?.fills.length).toBeGreaterThan(30);
  expect(JSON.stringify(other)).toBe(JSON.stringify(one));
  expect((await rig.store.orders(id)).length).toBe(30);
});
