import { liveSources } from "@tapedeck/protocol";
import { parseTapeName, tapeIdPattern } from "@tapedeck/tape";
import fc from "fast-check";
import { expect, test } from "vitest";
import { liveTapeId, parseLiveTapeId } from "./live-tape-id.js";

test("[LT60] a live tape's id is a valid tape id and names its feed", () => {
  const symbols = fc.stringMatching(/^[A-Z0-9][A-Z0-9/:._-]{0,39}$/);
  fc.assert(
    fc.property(
      fc.constantFrom(...Object.keys(liveSources)),
      symbols,
      fc.integer({ min: 1, max: 9e14 }),
      (source, symbol, ms) => {
        const id = liveTapeId({ source, symbol }, ms);
        expect(id).toMatch(tapeIdPattern);
        expect(parseLiveTapeId(id)).toEqual({ source, symbol });
        expect(parseLiveTapeId(`${id}@1`)).toEqual({ source, symbol });
        expect(parseTapeName(`${id}@1`)).toEqual({ id, version: 1 });
      },
    ),
  );
});

test.each([
  "btcusdt-20240808",
  "sim1.BTCUSDT.42.calm@1",
  "live.SIM.BTCUSDT",
  "live.SIM.BTCUSDT.0",
  "live.SIM.BTCUSDT.1@0",
  "LIVE.SIM.B.1",
])("[LT60] %s is not the id of a live tape", (name) => {
  expect(parseLiveTapeId(name)).toBeUndefined();
});

test.each([
  { source: "sim", symbol: "BTCUSDT" },
  { source: "SIM", symbol: "btcusdt" },
  { source: "SIM", symbol: "" },
  { source: "SIM", symbol: "BTC USDT" },
])("[LT60] %o is refused", (feed) => {
  expect(() => liveTapeId(feed, 1)).toThrow(RangeError);
});
