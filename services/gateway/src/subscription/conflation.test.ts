import fc from "fast-check";
import { expect, test } from "vitest";
import { EdgeFrameCap } from "./conflation.js";

const ms = 1e6;
/** Times of a market's frames. */
const times = fc
  .array(fc.oneof(fc.integer({ min: 0, max: 300 }), fc.constant(100), fc.constant(0)), { minLength: 1, maxLength: 100 })
  .map((steps) => {
    let ns = 0;
    return [0, ...steps.map((step) => (ns += step * ms))];
  });
const maxFps = fc.integer({ min: 1, max: 60 });
const intervalOf = (ns: number, anchorNs: number, fps: number): number => Math.ceil(((ns - anchorNs) * fps) / 1e9);

test("[LV22] a session without a frame cap gets every frame at once", () => {
  const cap = new EdgeFrameCap({ anchorNs: 0, maxFps: 0 }, 0);
  for (const ns of [0, 0, 1, 1]) expect(cap.admits(ns)).toBe(true);
});

test("[LV22] exactly the first frame of each interval is sent at once", () => {
  fc.assert(
    fc.property(times, maxFps, (all, fps) => {
      const cap = new EdgeFrameCap({ anchorNs: 0, maxFps: fps }, 0);
      const admitted = all.filter((ns) => cap.admits(ns));
      const intervals = admitted.map((ns) => intervalOf(ns, 0, fps));
      expect(new Set(intervals).size).toBe(intervals.length);
      const firsts = all.filter((ns, at) => intervalOf(ns, 0, fps) > Math.max(0, intervalOf(all[at - 1] ?? 0, 0, fps)));
      expect(admitted).toEqual(firsts);
    }),
  );
});

test("[LV22] gateways that subscribe to a session at different times send the same messages", () => {
  fc.assert(
    fc.property(times, maxFps, fc.nat(99), (all, fps, later) => {
      const start = later % all.length;
      const [early, late] = [0, all[start] ?? 0].map((sent) => new EdgeFrameCap({ anchorNs: 0, maxFps: fps }, sent));
      for (const ns of all.slice(0, start + 1)) early?.admits(ns);
      for (const ns of all.slice(start + 1)) expect(late?.admits(ns)).toBe(early?.admits(ns));
    }),
  );
});

test("[LV22] frames that are flushed late use up the interval after theirs", () => {
  const cap = new EdgeFrameCap({ anchorNs: 0, maxFps: 10 }, 0);
  expect(cap.intervalMs).toBe(100);
  expect([50 * ms, 60 * ms].map((ns) => cap.admits(ns))).toEqual([true, false]);
  cap.flushed(60 * ms);
  expect([150 * ms, 200 * ms, 201 * ms].map((ns) => cap.admits(ns))).toEqual([false, false, true]);
});
