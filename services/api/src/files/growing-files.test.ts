import { TestFeed } from "@tapedeck/live/testing";
import { connectRedis, createLogger, untilReady } from "@tapedeck/runtime";
import { MemoryTapeStore } from "@tapedeck/tape";
import { parquetMetadata, parquetReadObjects } from "hyparquet";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { startTestApi, type TestApi } from "../testing/start-api.js";
import { FilePins } from "./file-pins.js";

const log = createLogger({ service: "api", node: "test", level: "silent" });
const store = new MemoryTapeStore();
const redis = connectRedis({ url: inject("redisUrl"), purpose: "publisher", name: "feed-test", log });
let nodes: readonly TestApi[] = [];
let feed: TestFeed;
beforeAll(async () => {
  await untilReady(redis);
  const first = await startTestApi({ redisUrl: inject("redisUrl"), tapes: store });
  const prefix = first.keys.stats.slice(0, -":stats".length);
  nodes = [first, await startTestApi({ redisUrl: inject("redisUrl"), tapes: store, prefix, node: "second" })];
  feed = await TestFeed.claim({ redis, keys: first.keys, store, log });
  await feed.append(200);
});
afterAll(async () => {
  await feed.writer.release();
  for (const node of nodes) await node.stop();
  redis.disconnect();
});

let asked = 0;
/** Asks one node after the other, as a balancer does. */
async function ask(name: string, headers: HeadersInit = {}, method = "GET", { tape } = feed) {
  const { url } = nodes[asked++ % nodes.length] ?? expect.fail("no node");
  const answer = await fetch(`${url}/tapes/${tape}/${name}`, { method, headers });
  const bytes = new Uint8Array(await answer.arrayBuffer());
  const length = Number(answer.headers.get("content-range")?.split("/")[1] ?? answer.headers.get("content-length"));
  return { status: answer.status, tag: answer.headers.get("etag") ?? "", bytes, length };
}

async function part(name: string, from: number, to: number): Promise<Uint8Array<ArrayBuffer>> {
  const { status, bytes } = await ask(name, { range: `bytes=${from}-${to - 1}` });
  expect([status, bytes.length]).toEqual([206, to - from]);
  return bytes;
}

async function pinsGone(): Promise<void> {
  const keys = await redis.keys("*:file:*");
  if (keys.length > 0) await redis.del(...keys);
}

describe("[A153] the file of a growing tape", () => {
  test("is the one that a client began to read, on every node, while the tape grows", async () => {
    // As DuckDB does.
    const { length, tag } = await ask("frames.parquet", {}, "HEAD");
    await feed.append(50);
    const footerBytes = await part("frames.parquet", length - 8, length);
    const footerLength = new DataView(footerBytes.buffer).getUint32(0, true);
    await feed.append(50);
    const footer = await part("frames.parquet", length - 8 - footerLength, length);
    expect(parquetMetadata(footer.buffer).num_rows).toBe(200n);
    await feed.append(20);
    const rest = await part("frames.parquet", 4, length - 8 - footerLength);
    const whole = Buffer.concat([Buffer.from("PAR1"), rest, footer]);
    const rows = await parquetReadObjects({ file: new Uint8Array(whole).buffer });
    expect(rows.map(({ seq }) => Number(seq))).toEqual(Array.from({ length: 200 }, (_, seq) => seq));
    // By its tag it is had for as long as the tape is.
    await pinsGone();
    const conditions: HeadersInit[] = [{ "if-match": tag }, { "if-range": tag, range: `bytes=0-${length}` }];
    for (const headers of conditions) {
      const again = await ask("frames.parquet", headers);
      expect(Buffer.from(again.bytes).equals(whole)).toBe(true);
      expect(again.tag).toBe(tag);
    }
  });

  test("begins with its end for some, and with all of it for others", async () => {
    await pinsGone();
    const count = feed.last + 1;
    const tail = await ask("frames.parquet", { range: "bytes=-65536" }); // as Polars does
    await feed.append(10);
    const metadata = parquetMetadata(tail.bytes.buffer);
    expect(metadata.num_rows).toBe(BigInt(count));
    const middle = await part("frames.parquet", 100, 200);
    await pinsGone();
    const whole = await ask("frames.parquet");
    expect(await parquetReadObjects({ file: whole.bytes.buffer })).toHaveLength(count + 10);
    const same = await ask("frames.parquet", { "if-match": tail.tag });
    expect(Buffer.from(same.bytes.subarray(100, 200)).equals(middle)).toBe(true);
  });

  test("of frames that have all been is the same for ever", async () => {
    const before = await ask("bars.parquet?from_seq=10&to_seq=100");
    await feed.append(10);
    const after = await ask("bars.parquet?from_seq=10&to_seq=100");
    expect(after.tag).toBe(before.tag);
    expect(after.bytes).toEqual(before.bytes);
  });

  test("has the events of frames that are two seconds old, from every node the same", async () => {
    const keys = nodes[0]?.keys ?? expect.fail("no node");
    const eventful = await TestFeed.claim({ redis, keys, store, log, symbol: "ETHUSDT", events: true });
    await eventful.append(200);
    for (const name of ["trades.parquet", "book.parquet"]) {
      const { length, tag } = await ask(name, {}, "HEAD", eventful);
      await eventful.append(10);
      const tail = await ask(name, { range: `bytes=${Math.max(1, length - 60_000)}-` }, "GET", eventful);
      expect([tail.status, tail.tag]).toEqual([206, tag]);
      const whole = await ask(name, { "if-match": tag }, "GET", eventful);
      expect(whole.bytes).toHaveLength(length);
      expect(whole.bytes.subarray(length - tail.bytes.length)).toEqual(tail.bytes);
      const changes = (await parquetReadObjects({ file: whole.bytes.buffer })).filter((row) => !row.is_snapshot);
      // A change and a trade are of each frame, and frames are 0.1 s apart.
      const last = Number(changes.at(-1)?.seq);
      expect(changes).toHaveLength(last + 1);
      expect(last).toBe(eventful.last - 10 - 20);
    }
    await eventful.writer.release();
  });

  test("has no events while the tape has no event track", async () => {
    const { status, bytes } = await ask("trades.parquet");
    expect([status, JSON.parse(Buffer.from(bytes).toString()).code]).toEqual([404, "TRACK_NOT_FOUND"]);
  });
});

test("[A153] while Redis is away, which file a client reads is not known: UNAVAILABLE", async () => {
  const away = connectRedis({ url: "redis://127.0.0.1:1", purpose: "publisher", name: "away", log });
  const pins = new FilePins(away, nodes[0]?.keys ?? expect.fail("no node"));
  const newest = () => Promise.resolve("a");
  await expect(pins.goOn("ada")).rejects.toMatchObject({ code: "UNAVAILABLE" });
  await expect(pins.begin("ada", newest)).rejects.toMatchObject({ code: "UNAVAILABLE" });
  away.disconnect();
});

describe("[A153] a client that begins again", () => {
  let now = 1_000_000;
  let files = 0;
  const newest = async () => `file-${files++}`;
  const pins = () => new FilePins(redis, nodes[0]?.keys ?? expect.fail("no node"), () => now);

  test("gets the same file within five seconds, then a newer one", async () => {
    const tag = await pins().begin("ada", newest);
    now += 4_900;
    expect(await pins().begin("ada", newest)).toBe(tag);
    expect(await pins().goOn("bob")).toBeUndefined();
    now += 200;
    expect(await pins().begin("ada", newest)).not.toBe(tag);
  });

  test("gets the same file while a part of it was just read, for a minute at most", async () => {
    const tag = await pins().begin("eve", newest);
    for (let second = 0; second < 50; second += 10) {
      now += 10_000;
      expect(await pins().goOn("eve")).toBe(tag);
      expect(await pins().begin("eve", newest)).toBe(tag);
    }
    now += 11_000;
    expect(await pins().goOn("eve")).toBe(tag);
    expect(await pins().begin("eve", newest)).not.toBe(tag);
  });

  test("on two nodes at once gets one file", async () => {
    const tags = await Promise.all(Array.from({ length: 10 }, () => pins().begin("zoe", newest)));
    expect(new Set(tags).size).toBe(1);
  });
});
