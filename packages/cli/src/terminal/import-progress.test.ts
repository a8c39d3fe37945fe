import { expect, test } from "vitest";
import { ImportProgressLine } from "./import-progress.js";

const at = (bytes: number, lines: number) => ({ bytes, totalBytes: 1_000, lines, frames: 7 });

test("[IM61] an import's line has a bar, what was read, and after a second the rate and the time left", () => {
  const line = new ImportProgressLine(5_000);
  expect(line.text(at(0, 0), 5_010)).toBe("[....................]   0 %  0 lines");
  expect(line.text(at(100, 1_500), 5_900)).toBe("[##..................]  10 %  1,500 lines");
  expect(line.text(at(250, 120_000), 7_000)).toBe(
    "[#####...............]  25 %  120,000 lines  60,000/s  0:00:06 left",
  );
  expect(line.text(at(1_000, 480_000), 13_000)).toBe(
    "[####################] 100 %  480,000 lines  60,000/s  0:00:00 left",
  );
});

test("[IM61] an import that begins anew is timed anew, and one of empty files is done", () => {
  const line = new ImportProgressLine(0);
  line.text(at(500, 1_000), 50_000);
  expect(line.text(at(10, 20), 51_000)).toBe("[....................]   1 %  20 lines");
  expect(line.text(at(110, 220), 53_000)).toBe("[##..................]  11 %  220 lines  110/s  0:00:17 left");
  expect(new ImportProgressLine(0).text({ ...at(0, 0), totalBytes: 0 }, 10)).toBe(
    "[####################] 100 %  0 lines",
  );
});
