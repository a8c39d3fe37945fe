import { expect, test } from "vitest";
import { written, writtenLevels } from "./written-decimals.js";

test("[VN43] spot's decimals have eight places, futures' those of the tape", () => {
  const texts = ["63944.1", "0.000", "5", "0.123456789"];
  expect(texts.map(written.spot)).toEqual(["63944.10000000", "0.00000000", "5.00000000", "0.123456789"]);
  expect(texts.map(written.usdm)).toEqual(texts);
  const changes = { bids: [["100.5", "0.000"]], asks: [] } as const;
  expect(writtenLevels("spot", changes)).toEqual({ bids: [["100.50000000", "0.00000000"]], asks: [] });
  expect(writtenLevels("usdm", changes)).toEqual(changes);
});
