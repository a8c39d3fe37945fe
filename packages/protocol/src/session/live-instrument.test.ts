import fc from "fast-check";
import { expect, test } from "vitest";
import { isRefusal } from "../errors/errors.js";
import { liveInstrument, liveSources } from "./live-instrument.js";

test.each([
  [{}, { source: "BINANCE", symbol: "BTCUSDT" }],
  [{ symbol: "ethusdt" }, { source: "BINANCE", symbol: "ETHUSDT" }],
  [{ source: "bitmex" }, { source: "BITMEX", symbol: "XBTUSD" }],
  [
    { source: "KRAKEN", symbol: "XBT/EUR" },
    { source: "KRAKEN", symbol: "XBT/EUR" },
  ],
])("[LV1] %j means %j", (text, instrument) => {
  expect(liveInstrument(text)).toEqual(instrument);
});

test("[LV1] an unknown source is refused, and the message lists the known ones", () => {
  const refusal = {
    refused: "INVALID_VALUE",
    message: expect.stringMatching(/^source: must be one of BINANCE, .*SIM/),
  };
  expect(liveInstrument({ source: "MOON" })).toEqual(refusal);
  for (const source of ["constructor", "__proto__", ""])
    expect(liveInstrument({ source })).toMatchObject({ refused: "INVALID_VALUE" });
});

test("[LV1] an invalid symbol is refused, and a valid one contains no character with a meaning in Redis keys", () => {
  for (const symbol of ["", " ", "BTC USDT", "{x}", "../x", "B\nC", "€", "X".repeat(41)]) {
    expect(liveInstrument({ symbol })).toMatchObject({
      refused: "INVALID_VALUE",
      message: expect.stringMatching(/^symbol: /),
    });
  }
  fc.assert(
    fc.property(fc.constantFrom(...Object.keys(liveSources)), fc.string(), (source, symbol) => {
      const found = liveInstrument({ source, symbol });
      if (!isRefusal(found)) expect(`${found.source}:${found.symbol}`).toMatch(/^[A-Z0-9/:._-]+$/);
    }),
  );
});
