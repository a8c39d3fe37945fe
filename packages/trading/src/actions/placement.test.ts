import { MemoryTapeStore } from "@tapedeck/tape";
import { afterAll, expect, inject, test } from "vitest";
import { tapeWithin, tradingOnRedis } from "../testing.js";
import { placementOf } from "./placement.js";

const rig = tradingOnRedis(inject("redisUrl"), new MemoryTapeStore());
afterAll(() => rig.close());

test("[TR50] at the live edge an action is sent ahead of where the market is by now, and further ahead the longer its write may take", async () => {
  const { record } = await rig.sessions.open(undefined, { mode: "SIMULATION", seed: 1 });
  const tape = { ...(await tapeWithin(await rig.tapes.open(record.tape), { lastSeq: 50 })), edgeNs: 7e9 };
  const session = { ...record, edge: true };
  expect(placementOf(session, tape, 1_000, 0)).toEqual({ ns: 7.1e9, by: 1_010 });
  expect(placementOf(session, tape, 1_000, 400)).toEqual({ ns: 7.5e9, by: 1_410 });
  const chain = { root: 1, head: 2, tag: "a", ns: 9e9 };
  expect(placementOf({ ...session, chain }, tape, 1_000, 0).ns).toBe(9e9);
});
