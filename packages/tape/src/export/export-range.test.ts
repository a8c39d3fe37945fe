import { beforeAll, describe, expect, test } from "vitest";
import { MemoryTapeStore } from "../store/memory-store.js";
import type { Tape } from "../tape.js";
import { TapeCatalog } from "../tape-catalog.js";
import { writeTestTape } from "../testing.js";
import { parseBarInterval } from "./bar-rows.js";
import { parseRangeEnd, rangeOf } from "./export-range.js";

let tape: Tape;
beforeAll(async () => {
  const store = new MemoryTapeStore();
  // Frames 0.1 s apart from 12:00:00, two of them at the same time.
  const name = await writeTestTape(store, { frames: 100, stepNs: (seq) => (seq === 50 ? 0 : 100e6) });
  tape = await new TapeCatalog(store, { cacheBytes: 8 << 20 }).open(name);
});

async function range(from?: string, to?: string): Promise<[number, number]> {
  const end = (text: string | undefined) => (text === undefined ? undefined : parseRangeEnd(text));
  const found = await rangeOf(tape, { from: end(from), to: end(to) });
  return [found.from, found.to];
}

describe("[EX6] a range begins and ends with a frame or a time, both included", () => {
  const cases: [from: string | undefined, to: string | undefined, frames: [number, number]][] = [
    [undefined, undefined, [0, 99]],
    ["seq:10", "seq:20", [10, 20]],
    ["seq:10", "seq:10", [10, 10]],
    ["seq:10", "seq:1000", [10, 99]],
    ["2024-08-08T12:00:01Z", undefined, [10, 99]],
    ["2024-08-08T12:00:00.900000001Z", "2024-08-08T12:00:01.099999999Z", [10, 10]],
    ["2024-08-08T11:00:00Z", "2024-08-08T13:00:00Z", [0, 99]],
    [undefined, "2024-08-08T12:00:00Z", [0, 0]],
    // Frames 49 and 50 have the same time.
    ["2024-08-08T12:00:04.9Z", "2024-08-08T12:00:04.9Z", [49, 50]],
    ["seq:5", "2024-08-08T12:00:01Z", [5, 10]],
  ];
  test.each(cases)("%s to %s", async (from, to, frames) => {
    expect(await range(from, to)).toEqual(frames);
  });
});

describe("[EX6] a range without a frame is refused with the tape's extent", () => {
  const cases: [from: string | undefined, to: string | undefined][] = [
    ["seq:100", undefined],
    ["seq:20", "seq:10"],
    ["2024-08-08T12:00:00.01Z", "2024-08-08T12:00:00.09Z"],
    ["2024-08-08T13:00:00Z", undefined],
    [undefined, "2024-08-08T11:59:59.999Z"],
  ];
  test.each(cases)("%s to %s", async (from, to) => {
    await expect(range(from, to)).rejects.toThrow(
      "No frame of tape test@1 is in that range: it has frames 0 to 99, from 2024-08-08T12:00:00.000Z to 2024-08-08T12:00:09.800Z.",
    );
  });
});

test("[EX6] other texts name no end of a range, and no interval", () => {
  for (const text of ["", "10", "seq:", "seq:-1", "seq:1.5", "2024-08-08", "2024-02-30T00:00:00Z", "yesterday"]) {
    expect(parseRangeEnd(text)).toBeUndefined();
  }
  for (const text of ["", "1", "0s", "1.5s", "-1s", "8d", "1w", "1 s", "1toString"]) {
    expect(parseBarInterval(text)).toBeUndefined();
  }
  expect(["100ms", "1s", "5m", "1h", "7d"].map(parseBarInterval)).toEqual([
    100_000_000n,
    1_000_000_000n,
    300_000_000_000n,
    3_600_000_000_000n,
    604_800_000_000_000n,
  ]);
});
