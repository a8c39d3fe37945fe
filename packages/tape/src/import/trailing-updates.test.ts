import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { TapeCatalog } from "../tape-catalog.js";
import { reportLines } from "./import-report.js";
import { framesOf, importToMemory, recording, recordingsAbsent, tapeOf } from "./test-recordings.js";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tapedeck-trailing-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const [source = ""] = recording("lob-250ms/csv_example_1.csv");

/** The recording with its last book repeated `rows` times, a quarter of a second apart. */
async function withTrailing(rows: number): Promise<string> {
  const lines = (await readFile(source, "utf8")).trimEnd().split("\n");
  const [row, ms, , ...book] = lines.at(-1)?.split(",") ?? [];
  for (let nth = 1; nth <= rows; nth++) {
    lines.push([Number(row) + nth, Number(ms) + 250 * nth, "2023-01-09 22:18:13", ...book].join(","));
  }
  const path = join(folder, `trailing-${rows}.csv`);
  await writeFile(path, `${lines.join("\n")}\n`);
  return path;
}

test.skipIf(recordingsAbsent).each([0, 1, 3])(
  "[IM90] %i trailing updates that change nothing shown are reported, and everything agrees on where the tape ends",
  async (rows) => {
    const imported = await importToMemory([await withTrailing(rows)], { symbol: "BTCUSDT", id: "one" });
    const report = tapeOf(imported);
    expect(report).toMatchObject({ to: "2023-01-09T22:18:12.743Z", updatesAfterTape: rows });
    expect(report.heardUntil).toBe(new Date(Date.parse(report.to ?? "") + 250 * rows).toISOString());

    const frames = [];
    for await (const text of framesOf(imported, report)) frames.push(JSON.parse(text));
    expect(frames.reduce((sum, { updates }) => sum + updates, 0)).toBe(report.bookUpdates);
    expect(frames.at(-1).timestamp).toBe(report.to);

    const catalog = new TapeCatalog(imported.store, { cacheBytes: 8 << 20 });
    const [[listed], view, tape, overview] = await Promise.all([
      catalog.list(),
      catalog.view("one"),
      catalog.open("one"),
      catalog.overview("one", 2_000),
    ]);
    const { to, durationMs, frames: count, trades } = report;
    for (const each of [listed, view])
      expect(each).toMatchObject({ to, duration_ms: durationMs, frames: count, trades });
    expect([tape.span.lastSeq, tape.iso(tape.span.lastNs)]).toEqual([count - 1, to]);
    expect(overview.points.at(-1)).toMatchObject({ seq: count - 1, ts: to });

    const words = reportLines(imported.report).join("\n");
    if (rows === 0) expect(words).not.toContain("after the last frame");
    else
      expect(words).toContain(
        `${rows} book update${rows === 1 ? "" : "s"} after the last frame, until ${report.heardUntil}`,
      );
  },
);
