import { describe, expect } from "vitest";
import { testOnCluster } from "../support/cluster.js";
import { now } from "../support/viewer.js";
import { framesSince, MixedSessions } from "./mixed-sessions.js";

/** Commands that Redis does not answer for this long are refused, and connections are replaced. */
const givenUpMs = 3_000;

const test = testOnCluster(() => ({ gateways: 2, apis: 2, tickers: 2, feeds: 2, ownRedis: "forgets" }));

describe("a Redis that accepts connections but does not answer", () => {
  // Shorter than any timeout; longer than a lock lasts; longer than a stall that is caught up.
  test.for([2_000, 6_000, 12_000])(
    "[F71] for %d ms: all sessions stall, commands are refused, and afterwards all continue with no frame lost or repeated",
    async (ms, { cluster }) => {
      await cluster.recording("primary");
      const sessions = await MixedSessions.start(cluster);
      const began = now();
      cluster.ownRedis?.freeze();
      try {
        if (ms > givenUpMs) {
          await sessions.expectUnavailable("POST", "/sessions/create", {}, /Redis/);
          await expect(sessions.replay.viewer.command("pause")).rejects.toThrow(/Redis/);
        }
        await sessions.wait(ms - (now() - began));
        // Frames sent just before the freeze have arrived by then.
        for (const user of sessions.users) expect(framesSince(began + 1_000, user)).toBe(0);
      } finally {
        cluster.ownRedis?.thaw();
      }
      const back = now();
      await Promise.all(sessions.users.map(({ viewer }) => viewer.next(1, 60_000)));
      cluster.note(
        `chaos Redis silent for ${ms} ms: all sessions play ${Math.round(now() - back)} ms after it answers again`,
      );
      await sessions.expectAllRecovered();
      await sessions.end();
    },
  );
});
