import { randomBytes } from "node:crypto";
import { fullBook, type TrackLine, trackLine } from "@tapedeck/protocol";
import { FolderTapeStore, trackFiles } from "@tapedeck/tape";
import { afterAll, beforeAll, describe, expect, inject, test, vi } from "vitest";
import { z } from "zod";
import { note } from "../support/note.js";
import { Python } from "../support/python.js";
import { Bucket } from "../support/s3-server.js";
import { ServiceProcess } from "../support/service-process.js";
import { signIn, tokenOf } from "../support/sign-in.js";
import { SilentProxy } from "../support/silent-proxy.js";
import { addTo, readSource, type SourceTotals, type Total, unitsOf } from "../support/source-totals.js";
import { recordedFiles, Tapes } from "../support/tapes.js";

const files = recordedFiles("primary");
if (files.length === 0) console.warn("SKIPPED: event tracks over HTTP, since the primary recording is not there");
const python =
  files.length === 0
    ? undefined
    : await Python.with("duckdb==1.5.5", "duckdb-extension-httpfs==1.5.5", "polars==2.1.0");

/** An api on a store, and how its clients sign in. */
interface Served {
  readonly service: ServiceProcess;
  readonly token: string;
}
let bucket: Bucket;
let served: Readonly<Record<"folder" | "bucket", Served>>;
let truth: SourceTotals;

async function start(env: Record<string, string>, token = ""): Promise<Served> {
  const prefix = { TAPEDECK_PREFIX: `test-${randomBytes(6).toString("hex")}` };
  const shared = { REDIS_URL: inject("redisUrl"), DEFAULT_TAPE: "primary", ...prefix };
  const service = await ServiceProcess.start("api", { ...shared, ...env });
  const ready = async () => expect(await service.readiness()).toMatchObject({ status: 200 });
  await vi.waitFor(ready, { timeout: 20_000 });
  return { service, token };
}

beforeAll(async () => {
  if (files.length === 0) return;
  await new Tapes(inject("tapeStore")).recorded("primary");
  bucket = await Bucket.withTapes("primary");
  served = {
    folder: await start({ TAPEDECK_STORE: inject("tapeStore") }),
    bucket: await start({ ...bucket.env, ...signIn }, await tokenOf("ada")),
  };
  truth = await readSource(files, new Set((await placesInTheSource()).values()));
});
afterAll(async () => {
  if (files.length === 0) return;
  await Promise.all(Object.values(served).map(({ service }) => service.stop()));
  await bucket.dispose();
});

function ask({ service, token }: Served, path: string, headers: Record<string, string> = {}, method = "GET") {
  const signedIn = token === "" ? headers : { ...headers, authorization: `Bearer ${token}` };
  return fetch(`${service.url}/tapes/primary${path}`, { method, headers: signedIn });
}

async function bytesOf(path: string): Promise<number> {
  return Number((await ask(served.folder, path, {}, "HEAD")).headers.get("content-length"));
}

/** What is counted of each line of a whole track. */
const countedLine = z.object({
  kind: z.enum(["book", "trade"]),
  is_snapshot: z.boolean().optional(),
  n: z.int(),
  amount: z.string(),
});

/** The lines of a part of the track. */
async function linesOf(query: string): Promise<TrackLine[]> {
  const text = await (await ask(served.folder, `/events${query}`)).text();
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => trackLine.parse(JSON.parse(line)));
}

const someSeqs = [0, 1, 700, 2_500, 5_100];

/** The venue's id of the last update that each of these frames shows. */
async function placesInTheSource(): Promise<Map<number, number>> {
  const places = new Map<number, number>();
  for (const seq of someSeqs) {
    const lines = await linesOf(`?from_seq=${Math.max(0, seq - 50)}&to_seq=${seq + 1}`);
    const last = lines.findLast((line) => line.kind === "book" && !line.is_snapshot && line.state === "applied");
    if (last?.kind === "book") places.set(seq, last.last_id ?? 0);
  }
  return places;
}

describe.skipIf(files.length === 0)("the event track of the primary recording", () => {
  test.each(["folder", "bucket"] as const)(
    "[A120] [A121] its files come out of a %s as they were written, whole and in ranges",
    async (kind) => {
      const store = new FolderTapeStore(inject("tapeStore"));
      for (const file of trackFiles) {
        const written = await store.read("primary", 1, `${file}.parquet`);
        const whole = Buffer.from(await (await ask(served[kind], `/${file}.parquet`)).arrayBuffer());
        expect(whole.equals(written)).toBe(true);
        // Within a piece of the store's reads, over the border of two, over many, and at the end.
        for (const [first, last] of [
          [5, 900],
          [262_100, 262_200],
          [1_000, 800_000],
          [written.length - 70_000, written.length - 1],
        ] as const) {
          if (first < 0 || last >= written.length) continue;
          const part = await ask(served[kind], `/${file}.parquet`, { range: `bytes=${first}-${last}` });
          expect(part.status).toBe(206);
          expect(Buffer.from(await part.arrayBuffer()).equals(written.subarray(first, last + 1))).toBe(true);
        }
      }
    },
  );

  test("[A126] its events are those of the source: as many, with the same amounts, in one order", async () => {
    const found = { book: total(), snapshot: total(), trade: total() };
    let n = 0;
    let lines = 0;
    const began = performance.now();
    const { body } = await ask(served.folder, "/events");
    for await (const text of textLines(body ?? expect.fail("no body"))) {
      const line = countedLine.parse(JSON.parse(text));
      if (line.n < n) expect.fail(`${line.n} after ${n}`);
      n = line.n;
      lines++;
      addTo(found[line.is_snapshot ? "snapshot" : line.kind], line.amount);
    }
    note(`/events: ${lines} lines in ${Math.round(performance.now() - began)} ms, read and checked by one client`);
    expect(found.trade).toEqual(truth.trades);
    expect(found.book).toEqual(truth.changes);
  });

  test("[A124] its whole book at a frame is the one that a plain replay of the source makes", async () => {
    for (const [seq, id] of await placesInTheSource()) {
      const book = fullBook.parse(await (await ask(served.folder, `/book?seq=${seq}&depth=100000`)).json());
      const plain = truth.books.get(id) ?? expect.fail(`no update ${id} in the source`);
      const sorted = (side: ReadonlyMap<string, string>, direction: number) =>
        [...side].sort(([a], [b]) => direction * (Number(a) - Number(b))).map((level) => level.map(Number));
      expect(book.bids.map((level) => level.map(Number))).toEqual(sorted(plain.bid, -1));
      expect(book.asks.map((level) => level.map(Number))).toEqual(sorted(plain.ask, 1));
      expect([book.bid_levels, book.ask_levels]).toEqual([plain.bid.size, plain.ask.size]);
    }
  });
});

/** Prints a row of a query on files of the tape, each value as text. */
const duckdb = `
import glob, json, sys
import duckdb, duckdb_extension_httpfs
url, token, query = sys.argv[1:]
connection = duckdb.connect(config={"autoinstall_known_extensions": "false"})
connection.load_extension(glob.glob(list(duckdb_extension_httpfs.__path__)[0] + "/extensions/*/httpfs.duckdb_extension")[0])
if token:
    connection.execute(f"create secret (type http, bearer_token '{token}')")
row = connection.sql(query.replace("TAPE", url)).fetchone()
print(json.dumps([str(value) for value in row]))
`;

const polars = `
import json, sys
import polars as pl
book = pl.scan_parquet(sys.argv[1] + "/book.parquet")
chosen = book.filter((pl.col("seq") < 100) & ~pl.col("is_snapshot"))
row = chosen.select(pl.len(), pl.col("amount").sum().cast(pl.String)).collect().row(0)
print(json.dumps([str(value) for value in row]))
`;

const row = z.array(z.string());

describe.skipIf(python === undefined)("tools of researchers on the addresses of the files", () => {
  /** Runs a program on a tape's address. Resolves to its row, and the bytes that the api sent. */
  async function run(program: string, { service }: Served, ...args: string[]): Promise<[string[], number]> {
    const way = await SilentProxy.inFrontOf(service.url);
    try {
      const printed = await python?.run(program, `${way.url}/tapes/primary`, ...args);
      return [row.parse(printed), way.received];
    } finally {
      await way.close();
    }
  }

  const query = (at: Served, sql: string) => run(duckdb, at, at.token, sql);
  const totalOf = ([count = "", sum = ""]: readonly string[]): Total => ({ count: Number(count), units: unitsOf(sum) });

  test.each(["folder", "bucket"] as const)(
    "[A120] DuckDB counts and sums what the source says, out of a %s",
    async (kind) => {
      const [trades] = await query(served[kind], "select count(*), sum(amount) from 'TAPE/trades.parquet'");
      expect(totalOf(trades)).toEqual(truth.trades);
      const [changes] = await query(
        served[kind],
        "select count(*), sum(amount) from 'TAPE/book.parquet' where not is_snapshot and state not in ('again', 'derived')",
      );
      expect(totalOf(changes)).toEqual(truth.changes);
      const [books] = await query(served[kind], "select count(distinct n), count(*) from 'TAPE/snapshots.parquet'");
      expect(Number(books[0])).toBeGreaterThan(5);
    },
  );

  test("[A121] DuckDB reads only the columns and the row groups that a query needs", async () => {
    const whole = await bytesOf("/book.parquet");
    const [, ofColumn] = await query(served.folder, "select sum(amount) from 'TAPE/book.parquet'");
    const [, ofBeginning] = await query(served.folder, "select sum(amount) from 'TAPE/book.parquet' where seq < 100");
    note(`DuckDB on book.parquet (${whole} bytes): ${ofColumn} for a column, ${ofBeginning} for its beginning`);
    expect(ofColumn).toBeLessThan(0.6 * whole);
    expect(ofBeginning).toBeLessThan(0.6 * ofColumn);
  });

  test("[A121] Polars reads the beginning of a book and only a part of the file", async () => {
    const expected = total();
    for (const line of await linesOf("?to_seq=100")) {
      if (line.kind === "book" && !line.is_snapshot) addTo(expected, line.amount);
    }
    const [found, bytes] = await run(polars, served.folder);
    expect(totalOf(found)).toEqual(expected);
    const whole = await bytesOf("/book.parquet");
    note(`Polars on book.parquet (${whole} bytes): ${bytes} for its beginning`);
    expect(bytes).toBeLessThan(0.6 * whole);
  });
});

function total(): Total {
  return { count: 0, units: 0n };
}

async function* textLines(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const bytes of body) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}
