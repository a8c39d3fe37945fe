import { expect, test } from "vitest";
import { parseLength, parseTapeTime } from "../design/format";
import { behindNow } from "../playback/page-state";
import { nextSpeed, parseSpeed } from "../playback/speeds";

test.each([
  ["90s", 90_000],
  ["90", 90_000],
  ["1.5m", 90_000],
  ["1:30", 90_000],
  ["2:00:01", 7_201_000],
  ["250 ms", 250],
  ["2h", 7_200_000],
  ["", undefined],
  ["soon", undefined],
  ["-5s", undefined],
])("[DB20] %j is a duration", (text, ms) => {
  expect(parseLength(text)).toBe(ms);
});

test.each([
  ["12:03", "2023-04-05T12:03:00.000Z"],
  ["12:03:04.5", "2023-04-05T12:03:04.500Z"],
  ["2023-04-04 23:59:58", "2023-04-04T23:59:58.000Z"],
  ["2023-04-04T23:59:58.120Z", "2023-04-04T23:59:58.120Z"],
])("[DB20] %j is a time on the tape", (text, wanted) => {
  expect(new Date(parseTapeTime(text, Date.parse("2023-04-05T09:00:00Z")) ?? 0).toISOString()).toBe(wanted);
});

test.each(["24:00", "12", "12:60", "now", ""])("[DB20] %j is not a time", (text) => {
  expect(parseTapeTime(text, 0)).toBeUndefined();
});

test("[DB20] speeds go up and down in steps, within the limits of the cluster", () => {
  expect(nextSpeed(1, 1)).toBe(2);
  expect(nextSpeed(1, -1)).toBe(0.5);
  expect(nextSpeed(7.3, 1)).toBe(10);
  expect(nextSpeed(1000, 1)).toBe(1000);
  expect(nextSpeed(0.1, -1)).toBe(0.1);
  expect(parseSpeed("2,5×")).toBe(2.5);
  expect(parseSpeed("0.05")).toBeUndefined();
  expect(parseSpeed("fast")).toBeUndefined();
});

test("[DB31] the distance from the edge grows while playback is paused, and stays the same while it plays at normal speed", () => {
  const session = { behind_ms: 4000, state: "PAUSED", speed: 1 } as const;
  expect(behindNow(session, 3000)).toBe(7000);
  expect(behindNow({ ...session, state: "PLAYING" }, 3000)).toBe(4000);
  expect(behindNow({ ...session, state: "PLAYING", speed: 2 }, 3000)).toBe(1000);
  expect(behindNow({ ...session, state: "PLAYING", behind_ms: 0 }, 3000)).toBe(0);
  // Slower than the market, the session falls behind the edge.
  expect(behindNow({ ...session, state: "PLAYING", speed: 0.5, behind_ms: 0 }, 3000)).toBe(1500);
  expect(behindNow({ ...session, behind_ms: null }, 3000)).toBeUndefined();
});
