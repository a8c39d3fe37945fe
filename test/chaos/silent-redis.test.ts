import { describe, expect } from "vitest";
import { testOnCluster } from "../support/cluster.js";
import { now } from "../support/viewer.js";
import { framesSince, MixedSessions } from "./mixed-sessions.js";

/** What has no answer for so long is given up: commands are refused then, and connections made anew. */
const givenUpMs = 3_000;

const test = testOnCluster(() => ({ gateways: 2, apis: 2, tickers: 2, feeds: 2, ownRedis: "forgets" }));

describe("a Redis that takes connections and answers nothing", () => {
  // Shorter than anything waits; longer than locks live; longer than a stall may be that is caught up with.
  test.for([2_000, 6_000, 12_000])(
    "[F71] for %d ms: all decks stand, commands are refused, and all play on without a frame lost or shown twice",
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
        // What was on its way when it fell silent has come by then.
        for (const user of sessions.users) expect(framesSince(began + 1_000, user)).toBe(0);
      } finally {
        cluster.ownRedis?.thaw();
      }
      const back = now();
      await Promise.all(sessions.users.map(({ viewer }) => viewer.next(1, 60_000)));
      cluster.note(`chaos Redis silent for ${ms} ms: all move ${Math.round(now() - back)} ms after it answers again`);
      await sessions.expectAllRecovered();
      await sessions.end();
    },
  );
});
