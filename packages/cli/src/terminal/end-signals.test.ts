import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type EndSignal, onEndSignals } from "./end-signals.js";

let seen: string[];
let off: () => void;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["performance"] });
  seen = [];
  off = onEndSignals({ end: () => seen.push("end"), force: (signal) => seen.push(`force by ${signal}`) });
});
afterEach(() => {
  off();
  vi.useRealTimers();
});

/** Signals that arrive so many milliseconds after the first. */
function arrive(...arrivals: [ms: number, signal: EndSignal][]): string[] {
  const start = performance.now();
  for (const [ms, signal] of arrivals) {
    vi.advanceTimersByTime(start + ms - performance.now());
    process.emit(signal, signal);
  }
  return seen;
}

test("[U15] the same signal three times within a second is one request to end", () => {
  expect(arrive([0, "SIGINT"], [3, "SIGINT"], [990, "SIGINT"])).toEqual(["end"]);
});

test("[U15] the same signal more than a second after the first forces the end, once", () => {
  expect(arrive([0, "SIGINT"], [3, "SIGINT"], [1200, "SIGINT"], [1203, "SIGINT"], [3000, "SIGINT"])).toEqual([
    "end",
    "force by SIGINT",
  ]);
});

test("[U15] a SIGTERM from npm after the terminal was closed does not force the end", () => {
  expect(arrive([0, "SIGHUP"], [1500, "SIGTERM"])).toEqual(["end"]);
});
