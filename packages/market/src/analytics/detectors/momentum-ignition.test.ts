import { describe, expect, test } from "vitest";
import type { FrameMoment } from "../../frame/frame-analytics.js";
import type { Alert } from "../alert-throttle.js";
import { detectorInput, ladder, momentAt } from "../testing.js";
import { relative } from "../thresholds.js";
import { MomentumIgnition } from "./momentum-ignition.js";

// Ten frames a second. The typical move of a second is 1 by default, so distances are multiples of it.

/** The change from one frame to the next. */
interface Step {
  readonly move: number;
  readonly buys?: number;
  readonly sells?: number;
  readonly afterGap?: boolean;
  /** Typical move of the mid in a second. */
  readonly usual?: number;
}

const times = (count: number, ...steps: readonly Step[]): Step[] => Array.from({ length: count }, () => steps).flat();
const rest = (seconds: number) => times(seconds * 10, { move: 0 });

/** Alerts of a market whose mid begins at 100. */
function alertsOf(...steps: readonly Step[]): Alert[] {
  const detector = new MomentumIgnition(relative.ignition);
  const alerts: Alert[] = [];
  let mid = 100;
  let before: FrameMoment | undefined;
  [{ move: 0 }, ...steps].forEach(({ move, buys = 0, sells = 0, afterGap = false, usual = 1 }, n) => {
    mid += move;
    const trade = (side: "buy" | "sell") => ({ price: mid, size: 2, side });
    const trades = [
      ...times(buys, { move: 0 }).map(() => trade("buy")),
      ...times(sells, { move: 0 }).map(() => trade("sell")),
    ];
    const moment = momentAt(n / 10, ladder(mid - 0.5, -1, [5]), ladder(mid + 0.5, 1, [5]), trades, { afterGap });
    const scene = detectorInput(moment, afterGap ? undefined : before, { typicalMove: usual });
    detector.detect(scene, (alert) => alerts.push(alert));
    before = moment;
  });
  return alerts;
}

/** 12 in 2 s, on buys alone. As straight as that is, its force is the cube root of 12 (12 / 1) 6, 9.52. */
const push = times(20, { move: 0.6, buys: 1 });
/** 5 of the 12. */
const back: Step = { move: -5 };

describe("[AN16] a push", () => {
  test("begins where its drift begins, not where the price was lowest", () => {
    // 3 up in 3 s, which is slower than 2.5 a second, while others sell.
    const slow = times(30, { move: 0.1, sells: 1 });
    expect(alertsOf(...slow, ...push, ...rest(1), back)).toEqual([
      {
        type: "MOMENTUM_IGNITION",
        severity: "low",
        message: "A burst of trading moved the price up, and it came back",
        // From 103 to 115, on 20 trades of 2.
        fields: { price_change_pct: 11.6505, volume: 40, direction: "UP", times_usual: 12 },
      },
    ]);
  });

  test("goes down as well as up", () => {
    const down = times(20, { move: -0.6, sells: 1 });
    const [alert, ...more] = alertsOf(...down, ...rest(1), { move: 5 });
    expect(alert?.fields).toMatchObject({ direction: "DOWN", price_change_pct: -12, times_usual: 12 });
    expect(more).toEqual([]);
  });

  test("is measured by the typical move at its beginning, since it raises that move itself", () => {
    const learned = times(20, { move: 0.6, buys: 1, usual: 2 });
    const [alert] = alertsOf(...learned, ...rest(1), back);
    expect(alert?.fields).toMatchObject({ times_usual: 12 });
  });

  test.each([
    // Residual 20 (0.2 0.2) = 0.8: 12 / sqrt(1.8) = 8.94 and the cube root of 12 (8.94) 6 is 8.63.
    ["hardly", [0.8, 0.4], 1],
    // To its peak 12.4 in 1.9 s; residual 10 (1.6 1.6) + 9 (0.4 0.4) - 12.4 12.4 / 19 = 18.95: 12.4 / sqrt(19.95) = 2.78, in all 6.08.
    ["more than a push does", [1.6, -0.4], 0],
  ])("wobbles %s", (_, moves, alerts) => {
    const steps = times(10, ...moves.map((move) => ({ move, buys: 1 })));
    expect(alertsOf(...steps, ...rest(1), back)).toHaveLength(alerts);
  });

  test.each([
    // 3/4 of 9.52 is 7.14, 2/3 of it 6.35.
    [3, 1, 1],
    [2, 1, 0],
    [0, 0, 0],
  ])("with %i trades along to %i against it raises %i alerts", (buys, sells, alerts) => {
    expect(alertsOf(...times(20, { move: 0.6, buys, sells }), ...rest(1), back)).toHaveLength(alerts);
  });

  test.each([
    ["is no jump of 1.1 s", 11, 12 / 11, 0],
    ["may take 1.2 s", 12, 1, 1],
    // The cube root of 14 (14) 14 / 4 is 8.82, but 2.5 a second are 10 of the 14, and it has to go 5 farther.
    ["is no drift of 3.5 a second for 4 s", 40, 14 / 40, 0],
  ])("%s", (_, frames, move, alerts) => {
    expect(alertsOf(...times(frames, { move, buys: 1 }), ...rest(1), { move: -6 })).toHaveLength(alerts);
  });

  test.each([
    ["loses 2/5 of it, which is 4.8", 1, -4.9, 1],
    ["and not less", 1, -4.7, 0],
    ["within 7 s", 6.9, -5, 1],
    ["and no later", 7, -5, 0],
  ])("%s", (_, seconds, move, alerts) => {
    expect(alertsOf(...push, ...rest(seconds), { move })).toHaveLength(alerts);
  });

  test("is not followed across a gap", () => {
    const gap: Step = { move: 0, afterGap: true };
    expect(alertsOf(...push, ...rest(1), gap, back)).toEqual([]);
  });
});
