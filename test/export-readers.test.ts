import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { programOf } from "./support/built.js";
import { writeExportedTapes } from "./support/exported-tapes.js";

/** A Python that may have the readers; their tests are skipped where it does not. */
const python = process.env.TAPEDECK_TEST_PYTHON ?? "python3";
const absent = (module: string) => spawnSync(python, ["-c", `import ${module}`]).status !== 0;
const missing = ["duckdb", "polars", "pandas"].filter(absent);
if (missing.length > 0) {
  const names = missing.join(", ");
  process.stderr.write(
    `\n${python} has no ${names}: tests that read exports with it are SKIPPED (TAPEDECK_TEST_PYTHON).\n\n`,
  );
}

/** What each content is summed up by. */
const sums = { trades: "amount", book: "amount", frames: "mid_price", bars: "volume" } as const;
const contents = ["trades", "book", "frames", "bars"] as const;
const formats = ["parquet", "csv", "ndjson", "arrow"] as const;

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tapedeck-readers-"));
  const store = await writeExportedTapes(folder);
  for (const format of formats) {
    const what = ["--what", contents.join(","), "--format", format];
    const args = [programOf("tapedeck"), "export", "tracked", ...what, "--out", join(folder, "out/"), "--store", store];
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
    if (status !== 0) throw new Error(stderr);
  }
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const read = z.record(z.string(), z.tuple([z.number(), z.string(), z.string()]));

/** Rows, the sum, and the first time of each file, as a reader has them. */
function readBy(script: string): Record<string, readonly [rows: number, sum: string, first: string]> {
  const code = `import json\nfiles = ${JSON.stringify(sums)}\nfound = {}\n${script}\nprint(json.dumps(found))`;
  const { status, stdout, stderr } = spawnSync(python, ["-c", code], {
    cwd: join(folder, "out"),
    env: { ...process.env, TZ: "UTC" },
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(stderr);
  return read.parse(JSON.parse(stdout));
}

/** The same from the CSV files, with whole numbers. */
async function truth(): Promise<Record<string, readonly [number, number, string]>> {
  const found: Record<string, readonly [number, number, string]> = {};
  for (const content of contents) {
    const [head = "", ...rows] = (await readFile(join(folder, "out", `${content}.csv`), "utf8")).trimEnd().split("\n");
    const names = head.split(",");
    const at = names.indexOf(sums[content]);
    const time = names.indexOf(names.includes("venue_time") ? "venue_time" : "timestamp");
    let sum = 0n;
    for (const row of rows) {
      const [whole = "", fraction = ""] = (cellsOf(row)[at] ?? "").split(".");
      sum += BigInt(whole + fraction.padEnd(6, "0"));
    }
    found[content] = [rows.length, Number(sum) / 1e6, (cellsOf(rows[0] ?? "")[time] ?? "").slice(0, 23)];
  }
  return found;
}

/** No value before those that are looked at has quotes. */
function cellsOf(row: string): string[] {
  return row.split(",");
}

async function expectTruth(found: ReturnType<typeof readBy>): Promise<void> {
  for (const [content, [rows, sum, first]] of Object.entries(await truth())) {
    const [foundRows, foundSum, foundFirst] = found[content] ?? [0, "", ""];
    expect([content, foundRows, foundFirst.replace("T", " ").slice(0, 19)]).toEqual([
      content,
      rows,
      first.replace("T", " ").slice(0, 19),
    ]);
    expect(Number(foundSum)).toBeCloseTo(sum, 4);
  }
}

describe.skipIf(missing.includes("duckdb"))("[EX7] DuckDB reads", () => {
  const reading = { parquet: "NAME.parquet", csv: "NAME.csv", ndjson: "NAME.ndjson" };
  test.each(Object.entries(reading))("%s, with the same rows and sums", async (_, file) => {
    const script = `
import duckdb
for name, column in files.items():
    rows = duckdb.sql(f"select count(*), sum({column})::varchar, min(timestamp)::varchar from '{'${file}'.replace('NAME', name)}'").fetchall()
    found[name] = rows[0]`;
    const found = readBy(script);
    // In CSV the times of trades and book are Tardis' microseconds.
    for (const content of contents) {
      const [rows, sum, first] = found[content] ?? [0, "", ""];
      if (!/^\d+$/.test(first)) continue;
      found[content] = [rows, sum, new Date(Number(first) / 1000).toISOString()];
    }
    await expectTruth(found);
  });

  test("amounts of Parquet as decimals, whose sum is exact", () => {
    const script = `
import duckdb
rows = duckdb.sql("select count(*), sum(amount)::varchar, typeof(any_value(amount)) from 'trades.parquet' where state = 'applied'").fetchall()
found['trades'] = rows[0]`;
    const [rows, sum, type] = readBy(script).trades ?? [0, "", ""];
    expect(Number(sum)).toBe(rows * 0.125);
    expect(type).toBe("DECIMAL(18,3)");
  });
});

describe.skipIf(missing.includes("polars"))("[EX7] Polars reads", () => {
  const reading = { parquet: "scan_parquet", arrow: "scan_ipc" };
  test.each(Object.entries(reading))("%s, with the same rows and sums", async (format, scan) => {
    const script = `
import polars as pl
for name, column in files.items():
    rows, total, first = pl.${scan}(f'{name}.${format}').select(pl.len(), pl.col(column).sum(), pl.col('timestamp').min()).collect().row(0)
    found[name] = [rows, str(total), str(first)]`;
    await expectTruth(readBy(script));
  });
});

describe.skipIf(missing.includes("pandas"))("[EX7] pandas reads", () => {
  const reading = { parquet: "read_parquet", arrow: "read_feather" };
  test.each(Object.entries(reading))("%s, with the same rows and sums", async (format, read) => {
    const script = `
import pandas as pd
for name, column in files.items():
    table = pd.${read}(f'{name}.${format}')
    found[name] = [len(table), str(table[column].sum()), str(table['timestamp'].min())]`;
    await expectTruth(readBy(script));
  });
});
