import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, open, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { programOf } from "./support/built.js";
import { writeExportedTapes } from "./support/exported-tapes.js";
import { hasTerminals, Terminal } from "./support/terminal.js";

const main = programOf("tapedeck");
const env = { ...process.env, TAPEDECK_STORE: undefined, S3_ENDPOINT: undefined };

let tapes = "";
let store = "";
beforeAll(async () => {
  tapes = await mkdtemp(join(tmpdir(), "tapedeck-exported-"));
  store = await writeExportedTapes(tapes);
});
afterAll(() => rm(tapes, { recursive: true, force: true }));

/** Where the commands run. */
let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "tapedeck-out-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function ended(child: ChildProcess): Promise<Ended> {
  let [stdout, stderr] = ["", ""];
  child.stdout?.on("data", (bytes: Buffer) => {
    stdout += bytes;
  });
  child.stderr?.on("data", (bytes: Buffer) => {
    stderr += bytes;
  });
  const [code] = await once(child, "close");
  return { code: typeof code === "number" ? code : null, stdout, stderr };
}

function start(args: readonly string[], from = store): ChildProcess {
  return spawn(process.execPath, [main, ...args, "--store", from], { cwd: folder, env });
}

const tapedeck = (...args: readonly string[]) => ended(start(args));

describe("[CM40] tapedeck export", () => {
  test("[EX1] writes one file to standard output or to a path, and several to a folder that it makes", async () => {
    const all = await tapedeck(
      "export",
      "tracked",
      "--what",
      "trades,book,frames,bars",
      "--format",
      "csv",
      "--out",
      "made/here",
    );
    expect([all.code, all.stderr]).toEqual([0, ""]);
    expect((await readdir(join(folder, "made/here"))).sort()).toEqual([
      "bars.csv",
      "book.csv",
      "frames.csv",
      "trades.csv",
    ]);
    expect(all.stdout).toMatch(/^\S+\/made\/here\/trades\.csv: 750 rows, 0\.\d MB\n\S+\/book\.csv: 11\d,\d{3} rows, /);
    const piped = await tapedeck("export", "tracked", "--what", "bars", "--format", "csv");
    const bars = await readFile(join(folder, "made/here/bars.csv"), "utf8");
    expect(piped).toEqual({ code: 0, stdout: bars, stderr: "" });
    expect(bars.split("\n")[0]).toBe("exchange,symbol,timestamp,open,high,low,close,volume,trades,vwap");
    const named = await tapedeck(
      "export",
      "tracked@1",
      "--what",
      "bars",
      "--format",
      "csv",
      "--interval",
      "1s",
      "--out",
      "x",
    );
    expect(named.code).toBe(0);
    expect(await readFile(join(folder, "x"), "utf8")).toBe(bars);
  });

  test("has Tardis' columns, then ours, in CSV of trades and book", async () => {
    const head = async (what: string) =>
      (await tapedeck("export", "tracked", "--what", what, "--format", "csv", "--to", "seq:0")).stdout.split(
        "\n",
        1,
      )[0];
    expect(await head("book")).toBe(
      "exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount,n,seq,heard,state,first_id,last_id,previous_id,venue_time,receive_time",
    );
    expect(await head("trades")).toBe(
      "exchange,symbol,timestamp,local_timestamp,id,side,price,amount,n,seq,heard,state,venue_time,receive_time",
    );
  });

  test("replaces a file only with --force, and then only by a complete one", async () => {
    await writeFile(join(folder, "book.csv"), "mine");
    const refused = await tapedeck("export", "tracked", "--what", "trades,book", "--format", "csv", "--out", ".");
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr).toMatch(/^\S+\/book\.csv exists already: add --force to replace it\.\n$/);
    expect(await readdir(folder)).toEqual(["book.csv"]);
    expect(await readFile(join(folder, "book.csv"), "utf8")).toBe("mine");
    const forced = await tapedeck(
      "export",
      "tracked",
      "--what",
      "trades,book",
      "--format",
      "csv",
      "--out",
      ".",
      "--force",
    );
    expect(forced.code).toBe(0);
    expect((await readFile(join(folder, "book.csv"), "utf8")).length).toBeGreaterThan(1_000_000);
    expect((await readdir(folder)).sort()).toEqual(["book.csv", "trades.csv"]);
  });

  test("[EX14] writes a range of a simulated tape, and refuses more before it begins a file", async () => {
    const what = ["--what", "book,trades,orders", "--format", "csv", "--out", "."];
    const range = ["--from", "2025-01-01T00:01:00Z", "--to", "seq:612"];
    const { code, stdout, stderr } = await tapedeck("export", "sim2.BTCUSDT.42.mixed", ...what, ...range);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout.match(/(book|trades|orders)\.csv: [1-9]/g)).toHaveLength(3);
    await rm(join(folder, "book.csv"));
    const refused = await tapedeck("export", "sim2.BTCUSDT.42.mixed", ...what, "--from", "seq:0");
    expect([refused.code, refused.stdout]).toEqual([1, ""]);
    expect(refused.stderr).toMatch(
      /^to: is required; tape sim2\S+ is simulated, and made when .*six hours at a time\.\n$/,
    );
    expect((await readdir(folder)).sort()).toEqual(["orders.csv", "trades.csv"]);
  });

  test("says in one sentence why a file cannot be written", async () => {
    await writeFile(join(folder, "file"), "");
    for (const [out, says] of [
      ["no/such/x.csv", /no\/such\/x\.csv cannot be written: its folder does not exist\.\n$/],
      ["/dev/null", /^\/dev\/null is no regular file: leave out --out to write to a pipe\.\n$/],
      ["file/x.csv", /file\/x\.csv cannot be written: .*a file is in the place of a folder\.\n$/],
    ] as const) {
      const { code, stdout, stderr } = await tapedeck(
        "export",
        "plain",
        "--what",
        "bars",
        "--format",
        "csv",
        "--out",
        out,
      );
      expect([code, stdout]).toEqual([1, ""]);
      expect(stderr).toMatch(says);
    }
    expect(await readdir(folder)).toEqual(["file"]);
  });

  test("refuses trades and book of a tape without an event track, and exports its frames and bars", async () => {
    for (const what of ["trades", "book", "bars,book"]) {
      expect(await tapedeck("export", "plain", "--what", what, "--out", "new/")).toEqual({
        code: 1,
        stdout: "",
        stderr: "Tape plain@1 has no event track: it was made without one.\n",
      });
    }
    expect(await readdir(folder)).toEqual([]);
    expect((await tapedeck("export", "plain", "--what", "frames,bars", "--out", ".")).code).toBe(0);
    expect((await tapedeck("export", "nothing", "--what", "bars")).stderr).toBe("Tape nothing does not exist.\n");
  });
});

describe("[CM41] an export that does not succeed leaves no file", () => {
  test("of a damaged tape", async () => {
    const damaged = join(folder, "tapes");
    await cp(store, damaged, { recursive: true });
    const path = join(damaged, "tracked/1/blocks.bin");
    const file = await open(path, "r+");
    await file.write(Buffer.alloc(16), 0, 16, (await stat(path)).size - 100);
    await file.close();
    const args = ["export", "tracked", "--what", "trades,frames", "--out", "new/"];
    const { code, stdout, stderr } = await ended(start(args, damaged));
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(/^Tape tracked@1 is damaged: block \d+ \(frames \d+ to \d+\) .*\n$/);
    expect(await readdir(folder)).toEqual(["tapes"]);
  });

  test.each(["SIGINT", "SIGTERM"] as const)("when %s stops it", async (signal) => {
    const child = start(["export", "long", "--what", "bars,frames", "--format", "ndjson", "--out", "new/"]);
    const end = ended(child);
    await vi.waitUntil(
      async () => {
        const files = await readdir(join(folder, "new")).catch(() => []);
        const frames = files.find((file) => file.startsWith(".frames.ndjson.part"));
        return frames !== undefined && (await stat(join(folder, "new", frames))).size > 0;
      },
      { timeout: 60_000, interval: 5 },
    );
    child.kill(signal);
    expect(await end).toEqual({
      code: signal === "SIGINT" ? 130 : 143,
      stdout: "",
      stderr: "Stopped; no file was written.\n",
    });
    expect(await readdir(folder)).toEqual([]);
  });
});

test("[CM9] an export ends silently when the reader of its output leaves", async () => {
  const export_ = `"${process.execPath}" "${main}" export long --what frames --format ndjson --store "${store}"`;
  const line = `${export_} | head -1; echo \${PIPESTATUS[*]}`;
  const { stdout, stderr } = await ended(spawn("bash", ["-c", line], { cwd: folder, env }));
  expect(stderr).toBe("");
  expect(stdout).toMatch(/^\{"exchange":"TEST",.*\}\n141 0\n$/);
});

describe("[CM5] [CM40] arguments that make no export end with exit code 2", () => {
  const cases: [args: string[], says: RegExp][] = [
    [["export", "plain"], /required option '--what <list>' not specified/],
    [["export", "--what", "bars"], /missing required argument 'tape'/],
    [["export", "plain", "--what", "bars,x"], /a list of trades, book, frames, bars, orders, separated by commas/],
    [["export", "plain", "--what", ""], /a list of trades, book, frames, bars/],
    [["export", "plain", "--what", "bars", "--format", "xlsx"], /Allowed choices are parquet, csv, ndjson, arrow/],
    [["export", "plain", "--what", "bars", "--from", "10"], /a time in UTC such as .*, or a frame such as seq:1000/],
    [["export", "plain", "--what", "bars", "--interval", "1.5s"], /at most 7d, such as 100ms, 1s, 5m, 1h or 1d/],
    [["export", "plain", "--what", "frames", "--interval", "1s"], /^--interval is for bars/],
    [["export", "plain", "--what", "frames,bars"], /^Standard output takes one file/],
  ];
  test.each(cases)("%j", async (args, says) => {
    const { code, stdout, stderr } = await tapedeck(...args);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(says);
    expect(stderr.trim().split("\n")).toHaveLength(1);
  });
});

describe.skipIf(!hasTerminals)("in a terminal", () => {
  const command = (args: string) => `${process.execPath} ${main} export ${args} --store ${store}`;

  test("[CM42] progress is shown, with rows and bytes", async () => {
    const terminal = new Terminal(command("long --what frames --format ndjson --out frames.ndjson"), {
      cwd: folder,
      env,
    });
    expect(await terminal.ended()).toBe(0);
    expect(terminal.said).toMatch(/frames {2}\d+ % {2}[\d,]+ rows {2}[\d,.]+ MB/);
    expect(terminal.said).toMatch(/frames\.ndjson: 40,000 rows, [\d,.]+ MB\r\n$/);
  });

  test("[CM40] formats of bytes are not written to it", async () => {
    for (const format of ["parquet", "arrow"]) {
      const terminal = new Terminal(command(`plain --what bars --format ${format}`), { cwd: folder, env });
      expect(await terminal.ended()).toBe(2);
      expect(terminal.said).toBe(
        `A terminal cannot show ${format}: write a file with --out, or use --format csv or ndjson.\r\n`,
      );
    }
  });
});

test("[EX8] what was exported as CSV, imported, and exported again is the same, byte for byte", async () => {
  const args = ["--what", "trades,book,frames,bars", "--format", "csv"];
  expect((await tapedeck("export", "tracked", ...args, "--out", "first/")).code).toBe(0);
  const other = join(folder, "other");
  // Frames and bars are in the same folder.
  const imported = await ended(start(["import", "first", "--id", "again"], other));
  expect([imported.code, imported.stderr]).toEqual([0, ""]);
  expect(imported.stdout).toContain("frames.csv was left out: it has a tape's frames");
  const alone = await ended(start(["import", "first/frames.csv"], other));
  expect(alone).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^frames\.csv has a tape's frames: import its/),
  });
  expect((await ended(start(["export", "again", ...args, "--out", "second/"], other))).code).toBe(0);
  for (const what of ["trades", "book", "frames", "bars"]) {
    const [first, second] = ["first", "second"].map((name) => readFile(join(folder, name, `${what}.csv`), "utf8"));
    expect((await second) === (await first)).toBe(true);
  }
});
