import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { fullBook, sessionBookAnswer, tapesAnswer, trackLine } from "@tapedeck/protocol";
import { afterAll, beforeAll, expect } from "vitest";
import { z } from "zod";
import { programOf } from "../support/built.js";
import { type TestCluster, testOnCluster } from "../support/cluster.js";
import { FakeBitmex } from "../support/exchange/bitmex.js";
import { Http } from "../support/http.js";
import type { Viewer } from "../support/viewer.js";

const exchange = new FakeBitmex();
beforeAll(async () => {
  await exchange.open();
  exchange.market("XBTUSD").run();
});
afterAll(() => exchange.close());

const test = testOnCluster(() => ({
  gateways: 1,
  apis: 2,
  tickers: 1,
  feeds: 1,
  env: {
    all: { LIVE_LINGER_S: "20" },
    feed: { BITMEX_URL: exchange.url, LIVE_PART_S: "2", LIVE_KEEP_S: "1" },
  },
}));

const level = z.tuple([z.number(), z.number()]);
const frame = z.object({ bids: z.array(level), asks: z.array(level) });
type Levels = readonly (readonly [number, number])[];

/** The levels of a frame that a viewer saw, without those that fill it up. */
function shown(viewer: Viewer, seq: number): { bids: Levels; asks: Levels } {
  const json = viewer.frames.find((seen) => seen.seq === seq)?.json ?? expect.fail(`frame ${seq} was not seen`);
  const { bids, asks } = frame.parse(JSON.parse(json));
  const real = (levels: Levels) => levels.filter(([, size]) => size > 0);
  return { bids: real(bids), asks: real(asks) };
}

/** The events of a tape, as one api answers them. */
async function linesOf(url: string, tape: string, query = "") {
  const answer = await fetch(`${url}/tapes/${tape}/events${query}`);
  expect(answer.status).toBe(200);
  const lines = (await answer.text()).split("\n").slice(0, -1);
  return lines.map((line) => trackLine.parse(JSON.parse(line)));
}

/** The best 20 levels at each of these frames, as the events lead to them. */
function rebuilt(lines: Awaited<ReturnType<typeof linesOf>>, seqs: ReadonlySet<number>) {
  const sides = { bid: new Map<number, number>(), ask: new Map<number, number>() };
  const found = new Map<number, { bids: Levels; asks: Levels }>();
  const top = (side: Map<number, number>, direction: 1 | -1) =>
    [...side].sort(([a], [b]) => direction * (a - b)).slice(0, 20);
  let last = { n: -1, seq: -1 };
  const close = () => {
    if (seqs.has(last.seq)) found.set(last.seq, { bids: top(sides.bid, -1), asks: top(sides.ask, 1) });
  };
  for (const line of lines) {
    if (line.seq !== last.seq) close();
    if (line.kind === "book" && (line.state === "applied" || line.state === "derived")) {
      if (line.is_snapshot && line.n !== last.n) for (const side of Object.values(sides)) side.clear();
      const size = Number(line.amount);
      if (size > 0) sides[line.side].set(Number(line.price), size);
      else sides[line.side].delete(Number(line.price));
    }
    last = line;
  }
  close();
  return found;
}

async function listed(cluster: TestCluster, tape: string | null) {
  const { tapes } = await cluster.http.ask(tapesAnswer, "GET", "/tapes");
  return tapes.find(({ id, version }) => `${id}@${version}` === tape);
}

test("[LT90] [LT94] [EX12] every api answers the whole book and the events of a tape that grows, at its edge and behind it, and the same when it is finished", {
  timeout: 240_000,
}, async ({ cluster }) => {
  const { session_id: id } = await cluster.http.create({
    mode: "LIVE",
    source: "BITMEX",
    symbol: "XBTUSD",
    max_fps: 0,
  });
  const viewer = await cluster.watch(id);
  await viewer.next(80, 40_000); // over two parts in the store
  const { tape } = await cluster.http.session(id);
  if (tape === null) expect.fail("the session has no tape");
  for (const { url } of cluster.apis) {
    const api = new Http([url]);
    const atEdge = await api.ask(sessionBookAnswer, "GET", `/sessions/${id}/book?depth=20`);
    const edge = fullBook.parse(atEdge);
    await viewer.until(() => (viewer.frames.at(-1)?.seq ?? -1) >= edge.seq, "the frame whose book it is");
    const levels = (side: readonly (readonly [string, string])[]) => side.map((its) => its.map(Number));
    expect([levels(edge.bids), levels(edge.asks)]).toEqual(Object.values(shown(viewer, edge.seq)));
    // More than frames show: one side of this market now and then has fewer levels, but not both.
    expect(Math.max(edge.bid_levels, edge.ask_levels)).toBeGreaterThan(20);
    const behind = viewer.frames[20]?.seq ?? expect.fail();
    const book = await api.ask(fullBook, "GET", `/tapes/${tape}/book?seq=${behind}`);
    expect([levels(book.bids), levels(book.asks)]).toEqual(Object.values(shown(viewer, behind)));
    expect((await listed(cluster, tape))?.event_track).toBe(true);
    // As far as this viewer's frames go, all of which the events have by now.
    const seqs = new Set(viewer.frames.map(({ seq }) => seq));
    const lines = await linesOf(url, tape, `?to_seq=${Math.max(...seqs) + 1}`);
    const books = rebuilt(lines, seqs);
    expect(books.size).toBeGreaterThan(70);
    for (const [seq, found] of books) expect(found, `frame ${seq}`).toEqual(shown(viewer, seq));
  }
  // Behind the edge, paused: the book stays while the tape grows.
  await cluster.http.control(id, "pause");
  const paused = await cluster.http.ask(sessionBookAnswer, "GET", `/sessions/${id}/book?depth=100000`);
  const growing = await linesOf(cluster.apis[0]?.url ?? "", tape);
  const exported = await exportedLines(cluster, tape);
  await viewer.close();
  await cluster.http.delete(id);
  await cluster.until(async () => (await listed(cluster, tape))?.growing === false, "the tape to be finished", 60_000);
  const { seq, bids } = fullBook.parse(paused);
  for (const { url } of cluster.apis) {
    const finished = await linesOf(url, tape);
    expect(finished.length).toBeGreaterThanOrEqual(growing.length);
    expect(finished.slice(0, growing.length).map(withoutZeros)).toEqual(growing.map(withoutZeros));
    const trades = finished.filter(({ kind }) => kind === "trade").map(({ n, price }) => [n, Number(price)]);
    expect(exported.lines.length).toBeGreaterThan(10);
    expect(exported.lines).toEqual(trades.slice(0, exported.lines.length));
    expect(exported.told).toMatch(
      /^live\.BITMEX\.XBTUSD\.\d+@1 is not finished yet: this is what its store has of it, up to frame \d+ \(/,
    );
    const book = await new Http([url]).ask(fullBook, "GET", `/tapes/${tape}/book?seq=${seq}&depth=100000`);
    expect(book.bids.map(([price, size]) => [Number(price), Number(size)])).toEqual(
      bids.map(([price, size]) => [Number(price), Number(size)]),
    );
  }
});

/** The trades that the command line exports of a tape: number and price. */
async function exportedLines({ tapes }: TestCluster, tape: string) {
  const args = ["export", tape, "--what", "trades", "--format", "ndjson", "--store", tapes.folder];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [programOf("tapedeck"), ...args]);
  const row = z.object({ n: z.number(), price: z.coerce.number() });
  const rows = stdout
    .split("\n")
    .slice(0, -1)
    .map((line) => row.parse(JSON.parse(line)));
  return { lines: rows.map(({ n, price }) => [n, price]), told: stderr };
}

/** Later events may have more decimals. */
function withoutZeros(line: z.infer<typeof trackLine>): unknown {
  return { ...line, price: Number(line.price), amount: Number(line.amount) };
}
