// npm run bench:track: an event track beside its source and other formats, and what it costs to make, read and seek in one. All rates are by CPU
// time of all threads, so that other work on the machine counts as little as can be. docs/benchmarks.md has results.
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gunzipSync, gzipSync } from "node:zlib";
import { z } from "zod";
import { Python } from "../../support/python.js";
import { recordedFiles } from "../../support/tapes.js";
import { writeRepeated } from "./repeated-recording.js";

const execute = promisify(execFile);
const script = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const seekCount = Number(process.env.BENCH_SEEKS ?? 100);
/** Times that the recording is repeated: ten, and as many as give ten million level changes and trades. */
const [tenTimes, manyTimes] = [10, 30] as const;

const cost = z.object({ ms: z.number(), cpuMs: z.number() });
const ran = cost.extend({
  mostMb: z.number(),
  changes: z.int().optional(),
  seeks: z.array(cost.extend({ levels: z.int() })).default([]),
});
const manifest = z.object({
  track: z.object({ events: z.int(), level_changes: z.int(), trades: z.int(), snapshots: z.int() }),
  files: z.object({
    book: z.object({ bytes: z.int() }),
    trades: z.object({ bytes: z.int() }),
    snapshots: z.object({ bytes: z.int() }),
  }),
});
type Tape = z.infer<typeof manifest> & { readonly folder: string };
const otherSizes = z.record(z.string(), z.object({ book: z.int(), trades: z.int(), snapshots: z.int().optional() }));

const sources = recordedFiles("primary");
if (sources.length === 0) {
  console.error("SKIPPED: the futures recording of 2023 is not there (TAPEDECK_TEST_DATA).");
  process.exit(0);
}
const folder = await mkdtemp(join(tmpdir(), "tapedeck-bench-track-"));
try {
  await main();
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function main(): Promise<void> {
  const imports: string[][] = [];
  const short = await importedTape("once", sources, imports);
  await importedTape("once more", sources, imports);
  await importedTape("and again", sources, imports);
  await printSizes(short);
  await importedTape("ten times", [await repeated(tenTimes)], imports);
  const long = await importedTape("thirty times", [await repeated(manyTimes)], imports);
  print(["recording", "level changes", "CPU s", "level changes per CPU s", "memory, MB"], imports);
  await printReading(short, long);
  await printSeeks(long);
}

async function repeated(rounds: number): Promise<string> {
  const path = join(folder, `btcusdt_${rounds}.dat`);
  await writeRepeated(sources, rounds, path);
  return path;
}

async function importedTape(name: string, paths: readonly string[], rows: string[][]): Promise<Tape> {
  const store = join(folder, name);
  const { cpuMs, mostMb } = await runOne("import", store, paths);
  const version = join(store, "bench/1");
  const tape = { ...manifest.parse(JSON.parse(await readFile(join(version, "manifest.json"), "utf8"))), folder: store };
  const { level_changes: changes } = tape.track;
  rows.push([name, count(changes), (cpuMs / 1_000).toFixed(2), count((1_000 * changes) / cpuMs), count(mostMb)]);
  return tape;
}

async function runOne(work: string, store: string, args: readonly string[]) {
  const options = { maxBuffer: 1 << 26 };
  const { stdout } = await execute(process.execPath, [script("run.mjs"), work, store, ...args], options);
  return ran.parse(JSON.parse(stdout));
}

/** Bytes of the track and of the same events in other formats. */
async function printSizes({ track, files, folder: store }: Tape): Promise<void> {
  const rows: string[][] = [];
  const own = files.book.bytes + files.snapshots.bytes;
  const row = (name: string, total: number, book?: number, snapshots?: number, trades?: number) => {
    const each = (bytes: number | undefined, events: number) =>
      bytes === undefined ? "" : (bytes / events).toFixed(2);
    const changes = track.level_changes;
    const perEvent = (total / (changes + track.trades)).toFixed(2);
    const ratio = (total / (own + files.trades.bytes)).toFixed(2);
    rows.push([name, each(book, changes), each(snapshots, changes), each(trades, track.trades), perEvent, ratio]);
  };
  row("event track", own + files.trades.bytes, files.book.bytes, files.snapshots.bytes, files.trades.bytes);
  const texts = await Promise.all(sources.map(async (path) => gunzipSync(await readFile(path)).toString()));
  const used = texts.join("").match(/^.*(?:"depthUpdate"|"e":"trade"|"lastUpdateId").*$/gm) ?? [];
  row(
    "source, gzip",
    (await Promise.all(sources.map(async (path) => (await stat(path)).size))).reduce((a, b) => a + b),
  );
  row("its depth and trade messages alone, gzip", gzipSync(used.join("\n")).length);
  const python = await Python.with("duckdb==2.0.1", "databento-dbn==0.72.0", "zstandard==0.25.0");
  if (python !== undefined) {
    const out = join(folder, "others");
    await mkdir(out);
    const others = await python.runFile(script("other-formats.py"), join(store, "bench/1"), out);
    for (const [name, { book, trades, snapshots }] of Object.entries(otherSizes.parse(others))) {
      row(name, book + trades + (snapshots ?? 0), book, snapshots, trades);
    }
  }
  print(["bytes", "a level change", "and whole books", "a trade", "all, per change or trade", "of the track's"], rows);
}

async function printReading(short: Tape, long: Tape): Promise<void> {
  const rows: string[][] = [];
  for (const [name, tape] of [
    ["once", short],
    ["thirty times", long],
  ] as const) {
    for (const [work, label] of [
      ["batches", "in batches, with the book rebuilt"],
      ["events", "events one by one, with trades"],
    ] as const) {
      const { changes = 0, cpuMs, mostMb } = await runOne(work, tape.folder, []);
      rows.push([`${name}, ${label}`, count((1_000 * changes) / cpuMs), count(mostMb)]);
    }
  }
  print(["reading", "level changes per CPU s", "memory, MB"], rows);
}

async function printSeeks({ track, folder: store }: Tape): Promise<void> {
  const places = Array.from({ length: seekCount }, (_, nth) =>
    String(Math.floor((nth * 0.618_034 * track.events) % track.events)),
  );
  const fresh: z.infer<typeof cost>[] = [];
  for (const place of places) fresh.push(...(await runOne("seek", store, [place])).seeks);
  const { seeks } = await runOne("seek", store, [...places, ...places]);
  const rows = [
    ["a new process for each", fresh],
    ["one process, nothing in its cache", seeks.slice(places.length)],
  ] as const;
  const header = [
    `the whole book at one of ${count(track.events)} events`,
    "p50, ms",
    "p99, ms",
    "CPU p50, ms",
    "CPU p99, ms",
  ];
  print(
    header,
    rows.map(([name, costs]) => [
      name,
      ...percentiles(costs.map(({ ms }) => ms)),
      ...percentiles(costs.map(({ cpuMs }) => cpuMs)),
    ]),
  );
}

function percentiles(values: readonly number[]): string[] {
  const sorted = values.toSorted((a, b) => a - b);
  return [0.5, 0.99].map((share) => (sorted[Math.floor(share * (sorted.length - 1))] ?? 0).toFixed(0));
}

function count(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

function print(header: readonly string[], rows: readonly (readonly string[])[]): void {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  console.log([line(header), line(header.map(() => "---")), ...rows.map(line), ""].join("\n"));
}
