import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { eventTypes } from "../frame/frame.js";
import { createBody } from "../http/sessions.js";
import { type CommandName, commandNames, parseCommand } from "./commands.js";

describe("a command's arguments", () => {
  test("[P7] symbols and sources are converted to upper case", () => {
    const choice = { symbol: "btcusdt", source: "Binance" };
    expect(parseCommand("mode", { mode: "LIVE", ...choice })).toEqual({
      ok: { type: "mode", mode: "LIVE", symbol: "BTCUSDT", source: "BINANCE" },
    });
    expect(createBody.parse(choice)).toEqual({ symbol: "BTCUSDT", source: "BINANCE" });
  });

  test.each<[CommandName, unknown, object]>([
    ["start", undefined, { type: "start" }],
    ["pause", { anything: "else" }, { type: "pause" }],
    ["speed", { value: 0.5 }, { type: "speed", value: 0.5 }],
    ["goback", { seconds: 1.5 }, { type: "goback", seconds: 1.5 }],
    ["seek", { ts: "2024-08-08T23:54:15.123Z" }, { type: "seek", to: { ts: "2024-08-08T23:54:15.123Z" } }],
    ["seek", { ts: 1723161255123 }, { type: "seek", to: { ts: 1723161255123 } }],
    ["seek", { fraction: 1 }, { type: "seek", to: { fraction: 1 } }],
    ["seek", { event: "next", type: "SPOOFING" }, { type: "seek", to: { event: "next", type: "SPOOFING" } }],
    ["seek", { event: "next", event_type: "SPOOFING" }, { type: "seek", to: { event: "next", type: "SPOOFING" } }],
    ["step", { frames: -3 }, { type: "step", by: { frames: -3 } }],
    ["step", { ms: 0.5 }, { type: "step", by: { ms: 0.5 } }],
    ["range", { from: null, to: null, loop: false }, { type: "range", from: null, to: null, loop: false }],
    ["mode", { mode: "LIVE", symbol: null }, { type: "mode", mode: "LIVE" }],
  ])("[P1] %s accepts %j", (type, args, command) => {
    expect(parseCommand(type, args)).toEqual({ ok: command });
  });

  test.each<[CommandName, unknown, string]>([
    ["speed", { value: 0.05 }, "value: must be at least 0.1"],
    ["speed", { value: 1001 }, "value: must be at most 1000"],
    ["goback", { seconds: 0 }, "seconds: must be above 0"],
    ["seek", { fraction: 1.01 }, "fraction: must be at most 1"],
    ["seek", { ts: "2024-02-31T00:00:00Z" }, "ts: must be an ISO 8601 time in UTC, such as 2024-08-08T23:54:15.123Z"],
    ["seek", { event: "next", min_severity: "HIGH" }, "min_severity: must be low, medium, high or critical"],
    ["seek", { event: "next", type: "NEVER" }, `type: must be one of ${eventTypes.join(", ")}`],
    ["seek", { event: "previous", event_type: "spoofing" }, `event_type: must be one of ${eventTypes.join(", ")}`],
    ["step", { frames: 0 }, "frames: must not be 0"],
    ["mode", { mode: "live" }, "mode: must be REPLAY, LIVE or SIMULATION"],
  ])("[P2] [A94] %s %j is out of range, and the message names field and rule", (type, args, invalid) => {
    expect(parseCommand(type, args)).toEqual({ invalid, outOfRange: true });
  });

  test.each<[CommandName, unknown, string]>([
    ["speed", {}, "value: is missing; expected number"],
    ["speed", { value: "5" }, "value: must be a plain decimal number, such as 5 or 0.5"],
    [
      "seek",
      {},
      "body: must name exactly one place: ts, seq, fraction or event (optionally with type and min_severity)",
    ],
    [
      "seek",
      { ts: 5, seq: 3 },
      "body: must name exactly one place: ts, seq, fraction or event (optionally with type and min_severity)",
    ],
    ["seek", { ts: true }, "ts: must be an ISO 8601 time in UTC or milliseconds since 1970"],
    ["seek", { seq: 1.5 }, "seq: expected int, received number"],
    ["step", { frames: 1, ms: 1 }, "body: must have either frames or ms"],
    ["range", { loop: "yes" }, "loop: expected boolean, received string"],
    ["speed", [], "body: expected object, received array"],
  ])("[P2] %s %j is malformed, and the message names field and rule", (type, args, invalid) => {
    expect(parseCommand(type, args)).toEqual({ invalid, outOfRange: false });
  });

  test("[P3] any arguments give a command of that name or a message", () => {
    fc.assert(
      fc.property(fc.constantFrom(...commandNames), fc.jsonValue(), (type, args) => {
        const parsed = parseCommand(type, args);
        if ("ok" in parsed) expect(parsed.ok.type).toBe(type);
        else expect(parsed.invalid).toMatch(/^\S+: .+/);
      }),
      { numRuns: 500 },
    );
  });
});
