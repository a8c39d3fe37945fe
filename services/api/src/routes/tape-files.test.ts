import { encodeRows, exportRows, MemoryTapeStore, type RangeEnd, TapeCatalog } from "@tapedeck/tape";
import { writeTestTape } from "@tapedeck/tape/testing";
import { parquetReadObjects } from "hyparquet";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { z } from "zod";
import { importSmallOrders, importSmallRecording } from "../testing/small-recording.js";
import { startTestApi, type TestApi } from "../testing/start-api.js";

const store = new MemoryTapeStore();
let first: TestApi;
let second: TestApi;
beforeAll(async () => {
  await importSmallRecording(store);
  await importSmallOrders(store);
  await writeTestTape(store, { id: "long", frames: 17_000, framesPerBlock: 256, tradesPerFrame: (seq) => seq % 3 });
  first = await startTestApi({ redisUrl: inject("redisUrl"), tapes: store });
  second = await startTestApi({ redisUrl: inject("redisUrl"), tapes: store, prefix: prefixOf(first), node: "second" });
});
afterAll(async () => {
  await Promise.all([first.stop(), second.stop()]);
});

function prefixOf({ keys }: TestApi): string {
  return keys.stats.slice(0, -":stats".length);
}

async function fetched(path: string, headers: Record<string, string> = {}, { method = "GET", at = first } = {}) {
  const answer = await fetch(`${at.url}/tapes/${path}`, { method, headers });
  return { status: answer.status, headers: answer.headers, bytes: Buffer.from(await answer.arrayBuffer()) };
}

async function rowsIn(bytes: Uint8Array) {
  const parsers = { timestampFromNanoseconds: (ns: bigint) => ns };
  return parquetReadObjects({ file: new Uint8Array(bytes).buffer, parsers });
}

/** The rows that an export of a tape has. */
async function exported(
  id: string,
  content: "frames" | "bars" | "trades" | "book" | "orders",
  options: { from?: RangeEnd; to?: RangeEnd; intervalNs?: bigint } = {},
) {
  const tape = await new TapeCatalog(store, { cacheBytes: 8 << 20 }).open(id);
  const pieces: Uint8Array[] = [];
  for await (const piece of encodeRows(await exportRows(tape, content, options), "ndjson")) pieces.push(piece);
  return Buffer.concat(pieces).toString().trimEnd().split("\n");
}

const refusal = z.object({ code: z.string(), message: z.string() });
const messageOf = (bytes: Buffer) => refusal.parse(JSON.parse(String(bytes)));

describe("[A150] files that are made of a tape", () => {
  test("have the rows of an export: all frames, and bars of an interval", async () => {
    const frames = await rowsIn((await fetched("long/frames.parquet")).bytes);
    const expected = await exported("long", "frames");
    expect(frames).toHaveLength(17_000);
    for (const seq of [0, 1, 9_999, 16_383, 16_384, 16_999]) {
      const { mid_price, bid_size_3, trade_count, timestamp } = frames[seq] ?? {};
      expect(frames[seq]).toMatchObject({ seq: BigInt(seq), exchange: "TEST", bid_price_20: null });
      expect(JSON.parse(expected[seq] ?? "")).toMatchObject({
        mid_price,
        bid_size_3,
        trade_count: Number(trade_count),
      });
      expect(timestamp).toBe(1_723_118_400_000_000_000n + BigInt(seq) * 100_000_000n);
    }
    for (const [interval, intervalNs] of [
      ["", 1_000_000_000n],
      ["?interval=1s", 1_000_000_000n],
      ["?interval=5m", 300_000_000_000n],
    ] as const) {
      const bars = await rowsIn((await fetched(`long/bars.parquet${interval}`)).bytes);
      const lines = await exported("long", "bars", { intervalNs });
      expect(bars.map(({ volume, vwap, open }) => ({ volume, vwap, open }))).toEqual(
        lines.map((line) => JSON.parse(line)).map(({ volume, vwap, open }) => ({ volume, vwap, open })),
      );
    }
  });

  test("have the frames of a range, or the events that these show first, up to and without the end", async () => {
    const counted = async (path: string) => (await rowsIn((await fetched(path)).bytes)).length;
    expect(await counted("long/frames.parquet?from_seq=100&to_seq=110")).toBe(10);
    expect(await counted("long/frames.parquet?from_ts=2024-08-08T12:00:01Z&to_ts=2024-08-08T12:00:02Z")).toBe(10);
    expect(await counted("long/frames.parquet?from_seq=16990")).toBe(10);
    expect(await counted("long/frames.parquet?to_seq=1")).toBe(1);
    for (const [id, content] of [
      ["small", "trades"],
      ["small", "book"],
      ["orders", "orders"],
    ] as const) {
      const lines = await exported(id, content, { from: { seq: 2 }, to: { seq: 4 } });
      const rows = await rowsIn((await fetched(`${id}/${content}.parquet?from_seq=2&to_seq=5`)).bytes);
      expect(rows.map(({ n }) => Number(n))).toEqual(lines.map((line) => JSON.parse(line).n));
      expect(rows.length).toBeGreaterThan(0);
    }
  });

  test.each([
    ["long/frames.parquet?from_seq=17000", 422, "No frame of tape long@1 is in that range"],
    ["long/frames.parquet?from_seq=5&to_seq=5", 422, "No frame of tape long@1 is in that range"],
    ["long/frames.parquet?from_seq=x", 400, "from_seq: must be a plain decimal number"],
    ["long/frames.parquet?from_seq=-1", 422, "from_seq: must be at least 0"],
    [
      "long/frames.parquet?from_seq=1&from_ts=2024-08-08T12:00:01Z",
      422,
      "from_seq: at most one of from_seq and from_ts",
    ],
    ["long/frames.parquet?to_ts=yesterday", 422, "to_ts: must be an ISO 8601 time in UTC"],
    ["long/bars.parquet?interval=1.5s", 422, "interval: must be a duration of at most 7d, such as 100ms, 1s"],
    ["long/trades.parquet?from_seq=1", 404, "Tape long@1 has no event track: it was made without one."],
    ["small/orders.parquet?from_seq=1", 404, "Tape small@1 has no orders: its source does not say"],
    ["nothing/frames.parquet", 404, "Tape nothing does not exist."],
    ["sim2.BTCUSDT.1.calm~0123456789ab~mine/frames.parquet?from_seq=0&to_seq=5", 404, "does not exist"],
  ])("%s is refused with %i, and the message says why", async (path, status, message) => {
    const answer = await fetched(path);
    expect(messageOf(answer.bytes).message).toContain(message);
    expect(answer.status).toBe(status);
    expect((await fetched(path, {}, { method: "HEAD" })).status).toBe(status);
  });
});

describe("[A152] a file that two nodes made", () => {
  test.each(["frames.parquet", "bars.parquet?interval=10s", "frames.parquet?from_seq=1000&to_seq=1100"])(
    "has one tag and the same bytes, also in ranges: %s",
    async (name) => {
      const path = `long/${name}`;
      const head = await fetched(path, {}, { method: "HEAD" });
      const whole = await fetched(path, {}, { at: second });
      const tag = head.headers.get("etag") ?? "";
      expect(tag).toMatch(/^"[a-z]+-[0-9a-z.+-]+"$/);
      expect(whole.headers.get("etag")).toBe(tag);
      const length = whole.bytes.length;
      expect(head.headers.get("content-length")).toBe(String(length));
      for (const [range, from, to] of [
        ["bytes=-100", length - 100, length],
        ["bytes=4-99", 4, 100],
        [`bytes=100-${length + 5}`, 100, length],
      ] as const) {
        const part = await fetched(path, { range });
        expect([part.status, part.bytes.equals(whole.bytes.subarray(from, to))]).toEqual([206, true]);
        expect(part.headers.get("etag")).toBe(tag);
        expect(part.headers.get("content-range")).toBe(`bytes ${from}-${to - 1}/${length}`);
      }
      expect(await fetched(path, { range: `bytes=${length}-` })).toMatchObject({ status: 416 });
      expect(await fetched(path, { "if-none-match": tag })).toMatchObject({ status: 304 });
      expect(await fetched(path, { range: "bytes=0-9", "if-range": tag })).toMatchObject({ status: 206 });
      expect(await fetched(path, { range: "bytes=0-9", "if-range": '"other"' })).toMatchObject({ status: 200 });
    },
  );

  test("has another tag if the tape, the range or the interval is another", async () => {
    const paths = [
      ...["frames.parquet", "bars.parquet", "bars.parquet?interval=2s", "frames.parquet?from_seq=1"].map(
        (name) => `long/${name}`,
      ),
      "small/frames.parquet",
      "orders/frames.parquet",
    ];
    const tags = await Promise.all(
      paths.map(async (path) => (await fetched(path, {}, { method: "HEAD" })).headers.get("etag")),
    );
    expect(new Set(tags).size).toBe(paths.length);
    // The same frames by another name are the same file.
    const same = await fetched("long@1/bars.parquet?interval=1000ms&from_seq=0", {}, { method: "HEAD" });
    expect(same.headers.get("etag")).toBe(tags[1]);
  });
});

test("[A155] If-Match with another tag is refused with 412, on files that are stored and files that are made", async () => {
  for (const path of ["small/book.parquet", "small/frames.parquet"]) {
    const tag = (await fetched(path, {}, { method: "HEAD" })).headers.get("etag") ?? "";
    for (const have of [tag, `"other", ${tag}`, "*"]) {
      expect([have, (await fetched(path, { "if-match": have, range: "bytes=0-3" })).status]).toEqual([have, 206]);
    }
    for (const have of ['"other"', `W/${tag}`]) {
      const refused = await fetched(path, { "if-match": have });
      expect([refused.status, messageOf(refused.bytes).code]).toEqual([412, "PRECONDITION_FAILED"]);
      expect(refused.headers.get("etag")).toBe(tag);
    }
  }
});

describe("[A154] files of a simulated tape", () => {
  const path = "sim2.BTCUSDT.1.calm/frames.parquet";

  test("have events, too", async () => {
    for (const [content, kinds] of [
      ["trades", ["buy", "sell"]],
      ["book", ["bid", "ask"]],
      ["orders", ["bid", "ask"]],
    ] as const) {
      const at = `sim2.BTCUSDT.1.calm/${content}.parquet?from_seq=100&to_seq=400`;
      const answer = await fetched(at);
      const rows = await rowsIn(answer.bytes);
      expect(rows.length).toBeGreaterThan(20);
      expect(new Set(rows.map(({ side }) => side))).toEqual(new Set(kinds));
      expect((await fetched(at, {}, { at: second })).bytes.equals(answer.bytes)).toBe(true);
    }
  });

  test("have the frames of a range", async () => {
    const answer = await fetched(`${path}?from_seq=50&to_seq=150`);
    const rows = await rowsIn(answer.bytes);
    expect(rows.map(({ seq }) => Number(seq))).toEqual(Array.from({ length: 100 }, (_, nth) => 50 + nth));
    const other = await fetched(`${path}?from_seq=50&to_seq=150`, {}, { at: second });
    expect(other.bytes.equals(answer.bytes)).toBe(true);
  });

  test.each([
    ["", "from_seq: from_seq or from_ts is required; tape sim2.BTCUSDT.1.calm@3 is simulated"],
    ["?from_seq=5", "to_seq: to_seq or to_ts is required; tape"],
    ["?from_seq=0&to_seq=216001", "to: must be at most six hours after from; tape"],
  ])("need a beginning and an end, six hours apart at most: %s", async (query, message) => {
    const answer = await fetched(`${path}${query}`);
    expect(answer.status).toBe(422);
    expect(messageOf(answer.bytes).message).toContain(message);
  });
});

test("[A151] who is told to ask again for a file is not counted as a failed request", async () => {
  const impatient = await startTestApi({ redisUrl: inject("redisUrl"), tapes: store, filesHoldMs: 1 });
  try {
    const { status, headers } = await fetched("long/frames.parquet", {}, { method: "HEAD", at: impatient });
    expect([status, headers.get("retry-after")]).toEqual([503, "2"]);
    const metrics = await impatient.ask("GET", "/metrics", { headers: { accept: "text/plain" } });
    const counted = metrics.text.match(/^tapedeck_api_request_seconds_count\{.*status="5.*$/gm);
    expect(counted).toEqual([expect.stringContaining('status="503 FILE_NOT_READY"')]);
  } finally {
    await impatient.stop();
  }
});
