import fc from "fast-check";
import { expect, test } from "vitest";
import { EdgePace } from "./edge-pace.js";

const ms = 1e6;
/** Times of frames, from a market of any kind. */
const times = fc
  .array(fc.oneof(fc.integer({ min: 0, max: 300 }), fc.constant(100), fc.constant(0)), { minLength: 1, maxLength: 100 })
  .map((steps) => {
    let ns = 0;
    return [0, ...steps.map((step) => (ns += step * ms))];
  });
const maxFps = fc.integer({ min: 1, max: 60 });
const cellOf = (ns: number, anchorNs: number, fps: number): number => Math.ceil(((ns - anchorNs) * fps) / 1e9);

test("[LV22] a session without a cap gets every frame at once", () => {
  const pace = new EdgePace({ anchorNs: 0, maxFps: 0 }, 0);
  for (const ns of [0, 0, 1, 1]) expect(pace.admits(ns)).toBe(true);
});

test("[LV22] of each cell of the grid exactly the first frame goes out at once", () => {
  fc.assert(
    fc.property(times, maxFps, (all, fps) => {
      const pace = new EdgePace({ anchorNs: 0, maxFps: fps }, 0);
      const admitted = all.filter((ns) => pace.admits(ns));
      const cells = admitted.map((ns) => cellOf(ns, 0, fps));
      expect(new Set(cells).size).toBe(cells.length);
      const firsts = all.filter((ns, at) => cellOf(ns, 0, fps) > Math.max(0, cellOf(all[at - 1] ?? 0, 0, fps)));
      expect(admitted).toEqual(firsts);
    }),
  );
});

test("[LV22] gateways that came to the session at different times cut alike", () => {
  fc.assert(
    fc.property(times, maxFps, fc.nat(99), (all, fps, later) => {
      const start = later % all.length;
      const [early, late] = [0, all[start] ?? 0].map((shown) => new EdgePace({ anchorNs: 0, maxFps: fps }, shown));
      for (const ns of all.slice(0, start + 1)) early?.admits(ns);
      for (const ns of all.slice(start + 1)) expect(late?.admits(ns)).toBe(early?.admits(ns));
    }),
  );
});

test("[LV22] what was held back and went out counts for the cell after it", () => {
  const pace = new EdgePace({ anchorNs: 0, maxFps: 10 }, 0);
  expect(pace.cellMs).toBe(100);
  expect([50 * ms, 60 * ms].map((ns) => pace.admits(ns))).toEqual([true, false]);
  pace.release(60 * ms);
  expect([150 * ms, 200 * ms, 201 * ms].map((ns) => pace.admits(ns))).toEqual([false, false, true]);
});
