import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { request } from "node:http";
import { createServer, type Server } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { trackOf } from "@tapedeck/tape";
import { afterAll, beforeAll, expect } from "vitest";
import { z } from "zod";
import { type TestCluster, testOnCluster } from "../../support/cluster.js";
import { npmPackage } from "../../support/npm-package.js";
import { Python } from "../../support/python.js";
import { recordedFiles } from "../../support/tapes.js";
import { effectiveEvents, numbers } from "./track-events.js";

const run = promisify(execFile);
const isThere = recordedFiles("primary").length > 0 && recordedFiles("eth").length > 0;
if (!isThere) process.stderr.write("\nSKIPPED: clients of Tardis' API, without the recordings\n\n");
const python = isThere ? await Python.with("tardis-client==1.4.2") : undefined;
const tardisDev = isThere ? await npmPackage("tardis-dev@13.35.3") : undefined;
const test = testOnCluster();

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tapedeck-tardis-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A futures and a spot market, the minutes around them, and the tape. */
const markets = [
  ["primary", "binance-futures", "BTCUSDT", "2023-04-04T23:58:00.000Z", "2023-04-05T00:08:00.000Z"],
  ["eth", "binance", "ETHUSDT", "2024-08-08T23:53:00.000Z", "2024-08-09T00:01:00.000Z"],
] as const;
type Market = (typeof markets)[number];

async function truthOf(cluster: TestCluster, [name]: Market) {
  const track = trackOf((await cluster.recording(name)).tape);
  const { trades, updates } = await effectiveEvents(track);
  const units = trades.reduce((sum, { amountUnits }) => sum + BigInt(amountUnits), 0n);
  const { bids, asks } = await track.bookAt({ n: Number.MAX_SAFE_INTEGER });
  return { trades, updates, units, size: track.decimals.size, bids, asks };
}

const levels = z.array(z.tuple([z.string(), z.string()]));
const printed = z.object({
  ...{ trades: z.int(), amount: z.string(), snapshots: z.int(), diffs: z.int(), gaps: z.int(), ordered: z.boolean() },
  ...{ bids: levels, asks: levels },
});

test.skipIf(python === undefined).for(markets)(
  "[TM21] tardis-client reads %s from %s: trades and book are the tape's, to the last digit",
  async (market, { cluster }) => {
    const [, exchange, symbol, from, to] = market;
    const truth = await truthOf(cluster, market);
    const minutes = [from, to].map((time) => time.slice(0, 16));
    const program = fileURLToPath(new URL("client.py", import.meta.url));
    const files = join(folder, "python");
    const args = [cluster.url, exchange, symbol.toLowerCase(), ...minutes, files];
    const seen = printed.parse(await python?.runFile(program, ...args));
    expect(seen).toMatchObject({ trades: truth.trades.length, diffs: truth.updates.length, gaps: 0, ordered: true });
    expect(seen.snapshots).toBeGreaterThan(1);
    expect(BigInt(seen.amount.replace(".", ""))).toBe(truth.units);
    expect([numbers(seen.bids), numbers(seen.asks)]).toEqual([truth.bids, truth.asks]);
  },
);

const numbersOf = z.array(z.tuple([z.number(), z.number()]));
const printedByNode = z.object({
  ...{
    trades: z.int(),
    firstId: z.string(),
    lastId: z.string(),
    volume: z.number(),
    changes: z.int(),
    crossed: z.int(),
  },
  ...{ bids: numbersOf, asks: numbersOf },
});

test.skipIf(tardisDev === undefined).for(markets)(
  "[TM21] tardis-dev reads %s from %s: trades and book are the tape's, to the last digit",
  async (market, { cluster }) => {
    const [, exchange, symbol, from, to] = market;
    const truth = await truthOf(cluster, market);
    const { server, url, certificate } = await overTls(cluster.url);
    try {
      const program = fileURLToPath(new URL("tardis-dev.mjs", import.meta.url));
      const args = [`${tardisDev}/`, `${url}/tardis/v1`, exchange, symbol, from, to, join(folder, "node")];
      const env = { ...process.env, NODE_EXTRA_CA_CERTS: certificate };
      const { stdout } = await run(process.execPath, [program, ...args], { env, timeout: 100_000, maxBuffer: 1 << 26 });
      const seen = printedByNode.parse(JSON.parse(stdout));
      // The first minute begins with the book before it, which is empty.
      expect(seen).toMatchObject({ trades: truth.trades.length, changes: truth.updates.length + 1, crossed: 0 });
      expect([seen.firstId, seen.lastId]).toEqual([truth.trades[0]?.id, truth.trades.at(-1)?.id]);
      expect(seen.volume.toFixed(truth.size).replace(".", "")).toBe(`${truth.units}`);
      expect([seen.bids, seen.asks]).toEqual([truth.bids, truth.asks]);
    } finally {
      server.close();
      server.closeAllConnections();
    }
  },
);

/** What stands before a cluster for a client that takes only https. */
async function overTls(url: string): Promise<{ server: Server; url: string; certificate: string }> {
  const [key, certificate] = [join(folder, "key.pem"), join(folder, "certificate.pem")];
  const name = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
  const kind = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  await run("openssl", [...kind, ...name, "-keyout", key, "-out", certificate]);
  const server = createServer(
    { key: await readFile(key), cert: await readFile(certificate) },
    ({ method, url: path = "", headers }, answer) => {
      const passed = request(new URL(path, url), { method, headers }, (got) => {
        answer.writeHead(got.statusCode ?? 502, got.headers);
        got.pipe(answer);
      });
      passed.once("error", () => answer.destroy());
      passed.end();
    },
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = z.object({ port: z.int() }).parse(server.address());
  return { server, url: `https://127.0.0.1:${port}`, certificate };
}
