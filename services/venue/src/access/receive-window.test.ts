import { expect, test } from "vitest";
import { checkReceiveWindow } from "./receive-window.js";

const now = 1_700_000_000_000;
const codeAt = (timestamp: string | undefined, recvWindow?: string): number => {
  try {
    checkReceiveWindow({ timestamp, recvWindow }, now);
    return 0;
  } catch (error) {
    return Number(Object(error).code);
  }
};

test.each([
  ["now", `${now}`, undefined, 0],
  ["5 s ago", `${now - 5_000}`, undefined, 0],
  ["more than 5 s ago", `${now - 5_001}`, undefined, -1021],
  ["a minute ago, within the longest window", `${now - 60_000}`, "60000", 0],
  ["3 ms ago, outside of a window of 2.5 ms", `${now - 3}`, "2.5", -1021],
  ["2 ms ago, within it", `${now - 2}`, "2.5", 0],
  ["in microseconds", `${now * 1000 - 2_400}`, "2.5", 0],
  ["in microseconds, too old", `${now * 1000 - 2_600}`, "2.5", -1021],
  ["less than a second ahead", `${now + 999}`, undefined, 0],
  ["a second ahead", `${now + 1_000}`, undefined, -1021],
  ["at no time", undefined, undefined, -1102],
  ["at a time that is none", "soon", undefined, -1102],
  ["within too long a window", `${now}`, "60001", -1131],
  ["within a window that is none", `${now}`, "-1", -1102],
])("[VK2] a request that was sent %s", (_, timestamp, recvWindow, code) => {
  expect(codeAt(timestamp, recvWindow)).toBe(code);
});
