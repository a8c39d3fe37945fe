import { afterEach, beforeEach, expect, inject, test, vi } from "vitest";
import { soon } from "../../../test/support/soon.js";
import { Rig } from "./testing/rig.js";

let rig: Rig;
beforeEach(() => {
  rig = new Rig(inject("redisUrl"));
});
afterEach(() => rig.close());

test("[TK19] one ticker does a round of maintenance, and a chore that fails does not prevent the others", async () => {
  const done: string[] = [];
  const chores = {
    first: async () => {
      done.push("first");
      throw new Error("this one fails");
    },
    second: async () => void done.push("second"),
  };
  await rig.runMaintenance(chores);
  await rig.runMaintenance(chores);
  await vi.waitFor(() => expect(done).toEqual(["first", "second"]), soon);
});

test("[TK19] maintenance requests a ticker for a session whose job was lost", async () => {
  const tape = await rig.tape({ frames: 1000, intervalMs: 20 });
  const record = await rig.play(tape);
  const jobs = await rig.redis.keys(`${rig.keys.bullPrefix}:*`);
  await rig.redis.del(...jobs);
  const viewer = await rig.watch(record.id, { epoch: record.epoch, seq: record.anchorSeq });
  await rig.ticker();
  await rig.runMaintenance({ "requeue orphans": () => rig.maintenance.requeueOrphans() });
  await viewer.frames(10);
});
