import { isRefusal } from "@tapedeck/protocol";
import { expect, test } from "vitest";
import { applyCommand, createdSession, expectAccepted, noon } from "../testing/apply-command.js";
import { shelf, steadyTape } from "../testing/synthetic-tape.js";

import { writeLeadMs } from "./commands.js";
import { playheadAt } from "./playhead.js";
import { resolve } from "./resolve.js";

// A frame every 100 ms.
const tape = steadyTape(100, 100, { id: "steady@1" });
const tapes = shelf(tape);
const chain = { root: 1, head: 2, tag: "abcdef", ns: 1_000_000 };

test("[TR8] a session with orders is paused where the playhead will be when it is written at the latest", async () => {
  const playing = expectAccepted(
    await applyCommand(await createdSession(tapes, { start: true }), { type: "start" }, noon, tapes),
  );
  for (const type of ["pause", "speed", "step"] as const) {
    const command = type === "speed" ? { type, value: 2 } : type === "step" ? { type, by: { frames: 1 } } : { type };
    const resolved = await resolve({ ...playing, chain }, command, noon + 1_234, tapes);
    if (isRefusal(resolved)) throw new Error(resolved.message);
    const { moment, by = Number.POSITIVE_INFINITY } = resolved;
    expect(by).toBeGreaterThan(noon + 1_234);
    // A node whose clock is ahead, by as much as clocks may differ, has not been there either.
    expect(playheadAt(playing, by + writeLeadMs, tape)).toBeLessThanOrEqual(moment.here.ns);
  }
  const without = await resolve(playing, { type: "pause" }, noon + 1_234, tapes);
  expect(without).toMatchObject({ moment: { now: noon + 1_234 } });
});
