import { randomBytes } from "node:crypto";
import { createServer, request } from "node:http";
import { BlockCache, encodeRows, exportRows, FolderTapeStore, RecordedTape } from "@tapedeck/tape";
import { afterAll, beforeAll, describe, expect, inject, test, vi } from "vitest";
import { z } from "zod";
import { note } from "../support/note.js";
import { Python } from "../support/python.js";
import { ServiceProcess } from "../support/service-process.js";
import { signIn, tokenOf } from "../support/sign-in.js";
import { recordedFiles, Tapes } from "../support/tapes.js";

const files = recordedFiles("primary");
if (files.length === 0) console.warn("SKIPPED: files of tapes over HTTP, since the primary recording is not there");
const python =
  files.length === 0
    ? undefined
    : await Python.with(
        ...["duckdb==1.5.5", "duckdb-extension-httpfs==1.5.5", "polars==2.1.0", "pandas==3.1.1", "pyarrow==26.0.1"],
        ...["fsspec==2026.9.0", "aiohttp==3.14.5"],
      );

/** Two nodes, and a balancer that sends each request to the other one. */
interface Served {
  readonly nodes: readonly ServiceProcess[];
  readonly token: string;
  readonly url: string;
  /** Bytes of answers so far. */
  sent: number;
  close(): void;
}
let open: Served;
let guarded: Served;

async function start(env: Record<string, string>, token = ""): Promise<Served> {
  const prefix = { TAPEDECK_PREFIX: `test-${randomBytes(6).toString("hex")}` };
  const shared = { REDIS_URL: inject("redisUrl"), TAPEDECK_STORE: inject("tapeStore"), ...prefix };
  const nodes = await Promise.all([0, 1].map(() => ServiceProcess.start("api", { ...shared, ...env })));
  for (const node of nodes) {
    await vi.waitFor(async () => expect(await node.readiness()).toMatchObject({ status: 200 }), { timeout: 20_000 });
  }
  let next = 0;
  const balancer = createServer((asked, answer) => {
    const node = nodes[next++ % nodes.length] ?? expect.fail("no node");
    const { method, url = "", headers } = asked;
    const passed = request(new URL(url, node.url), { method, headers }, (got) => {
      answer.writeHead(got.statusCode ?? 502, got.headers);
      got.on("data", (bytes: Buffer) => {
        served.sent += bytes.length;
      });
      got.pipe(answer);
    });
    passed.once("error", () => answer.destroy());
    asked.pipe(passed);
  });
  await new Promise<void>((resolve) => balancer.listen(0, "127.0.0.1", resolve));
  const address = z.object({ port: z.int() }).parse(balancer.address());
  const served: Served = {
    ...{ nodes, token, sent: 0, url: `http://127.0.0.1:${address.port}` },
    close: () => void balancer.close().closeAllConnections(),
  };
  return served;
}

/** Rows and a sum of each file, as an export of the tape has them. */
const sums = [
  ["primary", "trades", "amount"],
  ["primary", "book", "amount"],
  ["primary", "frames", "mid_price"],
  ["primary", "bars", "volume"],
  ["aapl", "orders", "amount"],
] as const;
const names = sums.map(([tape, content]) => `${tape}/${content}`);
const seen = z.record(z.string(), z.tuple([z.int(), z.number()]));
const truth: z.infer<typeof seen> = {};

beforeAll(async () => {
  if (files.length === 0) return;
  for (const name of ["primary", "aapl"] as const) await new Tapes(inject("tapeStore")).recorded(name);
  [open, guarded] = await Promise.all([start({}), start(signIn, await tokenOf("ada"))]);
  const store = new FolderTapeStore(inject("tapeStore"));
  const cache = new BlockCache(32 << 20);
  for (const [id, content, column] of sums) {
    const tape = await RecordedTape.open(store, id, 1, cache);
    let text = "";
    for await (const piece of encodeRows(await exportRows(tape, content), "ndjson"))
      text += Buffer.from(piece).toString();
    const values = text
      .trimEnd()
      .split("\n")
      .map((line) => Number(JSON.parse(line)[column]));
    truth[`${id}/${content}`] = [values.length, values.reduce((sum, value) => sum + value, 0)];
  }
});
afterAll(async () => {
  for (const served of [open, guarded]) {
    served?.close();
    await Promise.all(served?.nodes.map((node) => node.stop()) ?? []);
  }
});

const beginning = `
import glob, json, sys
url, token = sys.argv[1:]
files = ${JSON.stringify(Object.fromEntries(sums.map(([tape, content, column]) => [`${tape}/${content}`, column])))}
found = {}
`;
const end = "\nprint(json.dumps(found))";

const readers = {
  duckdb: `
import duckdb, duckdb_extension_httpfs
connection = duckdb.connect(config={"autoinstall_known_extensions": "false"})
connection.load_extension(glob.glob(list(duckdb_extension_httpfs.__path__)[0] + "/extensions/*/httpfs.duckdb_extension")[0])
if token:
    connection.execute(f"create secret (type http, bearer_token '{token}')")
for name, column in files.items():
    found[name] = connection.sql(f"select count(*), sum({column})::double from '{url}/{name}.parquet'").fetchone()`,
  polars: `
import fsspec, polars as pl
http = fsspec.filesystem("http", client_kwargs={"headers": {"Authorization": f"Bearer {token}"}})
for name, column in files.items():
    address = f"{url}/{name}.parquet"
    rows = pl.scan_parquet(http.open(address) if token else address)
    found[name] = rows.select(pl.len(), pl.col(column).cast(pl.Float64).sum()).collect().row(0)`,
  pandas: `
import pandas as pd
for name, column in files.items():
    options = {"storage_options": {"Authorization": f"Bearer {token}"}} if token else {}
    table = pd.read_parquet(f"{url}/{name}.parquet", columns=[column], **options)
    found[name] = (len(table), float(table[column].sum()))`,
};

describe.skipIf(python === undefined)("[A150] [A152] two nodes behind a balancer that takes turns", () => {
  const cases = Object.keys(readers).flatMap((reader) => [
    [reader, "without users"],
    [reader, "with a token"],
  ]);
  test.each(cases)("%s reads all files, %s, with the counts and sums of the source", async (reader, users) => {
    const served = users === "with a token" ? guarded : open;
    const program = beginning + z.record(z.string(), z.string()).parse(readers)[reader] + end;
    const before = served.sent;
    const found = seen.parse(await python?.run(program, `${served.url}/tapes`, served.token));
    note(`${reader} read ${served.sent - before} bytes of five files, ${users}`);
    for (const name of names) {
      const [rows, sum] = truth[name] ?? [0, 0];
      expect([name, found[name]?.[0]]).toEqual([name, rows]);
      expect((found[name]?.[1] ?? 0) / sum).toBeCloseTo(1, 9);
    }
  });

  test("without a token files are refused with 401", async () => {
    for (const name of names) {
      expect((await fetch(`${guarded.url}/tapes/${name}.parquet`, { method: "HEAD" })).status).toBe(401);
    }
  });
});
