import { setTimeout as sleep } from "node:timers/promises";
import { RecordedTape } from "@tapedeck/tape";
import { Redis } from "ioredis";
import { afterEach, beforeEach, expect, inject, test, vi } from "vitest";
import { Rig } from "./testing/rig.js";

let rig: Rig;
beforeEach(() => {
  rig = new Rig(inject("redisUrl"));
});
afterEach(() => rig.close());

test("[TK22] a ticker sends beats as long as it can publish", async () => {
  const { node, close } = await rig.ticker();
  const beats: string[] = [];
  const listener = new Redis(inject("redisUrl"));
  await listener.subscribe(rig.keys.tickerBeats);
  listener.on("message", (_, message) => beats.push(message));
  await vi.waitUntil(() => beats.length >= 5, 5_000);
  expect(new Set(beats)).toEqual(new Set([node]));
  await close();
  const sent = beats.length;
  await sleep(500);
  expect(beats.length).toBe(sent);
  listener.disconnect();
});

test("[TK18] [G115] a ticker that was held up goes on after what gateways have shown meanwhile, and its checkpoints do not set that back", async () => {
  const tape = await rig.tape({ frames: 600, intervalMs: 50, framesPerBlock: 10 });
  if (!(tape instanceof RecordedTape)) throw new Error("a recorded tape");
  const slow = tape.index.offset(3);
  rig.tamper = async (offset, bytes) => {
    if (offset === slow) await sleep(11_500); // a store that hangs
    return bytes;
  };
  await rig.ticker();
  const { id, viewer } = await rig.playWatched(tape);
  await viewer.until(({ last }) => last === 29);
  const { anchorWallMs, rev, epoch } = await rig.record(id);
  // Gateways show what is due, and say so.
  const due = (): number => Math.min(599, Math.floor((Date.now() - anchorWallMs) / 50));
  const progress = setInterval(() => void rig.store.writeProgress([{ id, rev, seq: due() }]), 500);
  await sleep(4_000);
  expect((await rig.record(id)).publishedSeq).toBeGreaterThan(60);
  await viewer.until(({ last }) => last > 250, 20_000);
  clearInterval(progress);
  const after = await rig.record(id);
  expect([after.epoch, after.anchorWallMs]).toEqual([epoch, anchorWallMs]);
  expect(viewer.holes.length).toBeGreaterThan(0); // which gateways have shown
  expect(due() - viewer.last).toBeLessThan(20);
}, 40_000);
