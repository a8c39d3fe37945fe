import fc from "fast-check";
import { expect, test } from "vitest";
import { RecentFrames } from "./recent-frames.js";

test("[LT7] the recent frames are all those within both bounds, and always the newest", () => {
  const frames = fc.array(fc.record({ ms: fc.nat({ max: 900 }), bytes: fc.integer({ min: 1, max: 400 }) }), {
    minLength: 1,
    maxLength: 3_000,
  });
  fc.assert(
    fc.property(frames, (steps) => {
      const recent = new RecentFrames(2, 1_000);
      let ns = 0;
      const all = steps.map(({ ms, bytes }, seq) => {
        ns += ms * 1e6;
        return { seq, ns, bytes };
      });
      for (const { seq, ns: now, bytes } of all) {
        const oldest = recent.add(seq, now, bytes);
        if (seq < all.length - 5 && seq > 50) continue;
        let held = 0;
        let expected = seq;
        for (let at = seq; at >= 0; at--) {
          const frame = all[at];
          held += frame?.bytes ?? 0;
          if (at < seq && (held > 1_000 || now - (frame?.ns ?? 0) > 2e9)) break;
          expected = at;
        }
        expect(oldest).toBe(expected);
      }
    }),
    { numRuns: 50 },
  );
});
